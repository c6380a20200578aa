#include "scripted.hpp"

#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"
#include "transfer/blob/errors.hpp"

namespace act::blob::test {

reply service_error_reply(int status, const std::string& code, const std::string& message) {
    return {.status = status,
            .headers = {{"x-ms-error-code", code},
                        {"x-ms-request-id", "request-7"},
                        {"Content-Type", "application/xml"}},
            .body = error_document(code, message + "\nRequestId:request-7\nTime:2026-01-01T00:00:00Z")};
}

scripted::scripted(script s, std::shared_ptr<http::authorizer> credential, std::string path)
    : script_(std::move(s)) {
    server_ = std::make_unique<http::server>(runtime_, http::server_options{},
                                             [this](http::server_exchange& x) { return handle(x); });
    server_->start().value();
    http::client_options options;
    options.idle_timeout = std::chrono::seconds(20);
    transport_ = std::make_unique<http::client>(runtime_, options);
    http::pipeline_options pipeline;
    pipeline.retry = {.max_tries = 4,
                      .first_delay = std::chrono::milliseconds(1),
                      .max_delay = std::chrono::milliseconds(3)};
    client_ = std::make_unique<blob::client>(*transport_,
                                             blob::account{"acc", parse_uri(server_->url() + path).value()},
                                             std::move(credential), pipeline);
}

scripted::~scripted() {
    client_.reset();
    runtime_.run(transport_->close());
    transport_.reset();
    runtime_.run(server_->stop(steady::duration::zero()));
    server_.reset();
}

std::vector<seen> scripted::requests() {
    std::lock_guard lock(mutex_);
    return requests_;
}

task<void> scripted::handle(http::server_exchange& x) {
    seen request;
    request.method = x.request().method;
    request.target = x.request().target;
    request.headers = x.request().headers;
    auto body = co_await x.read_all(64 << 20, {});
    if (!body) {
        x.abort();
        co_return;
    }
    request.body = std::move(*body);
    reply answer;
    {
        std::lock_guard lock(mutex_);
        requests_.push_back(request);
        answer = script_(request);
    }
    if (answer.drop) {
        x.abort();
        co_return;
    }
    http::fields f;
    for (const auto& [name, value] : answer.headers) f.add(name, value);
    if (answer.cut) {
        (void)co_await x.begin(answer.status, f, answer.body.size(), {});
        std::string_view part = std::string_view(answer.body).substr(0, *answer.cut);
        (void)co_await x.write(http::body::text(part), {});
        x.abort();
        co_return;
    }
    (void)co_await x.respond(
        answer.status, f, request.method == "HEAD" ? http::body::none() : http::body::text(answer.body), {});
}

std::string http_now() { return to_http_date(now()); }

std::string md5_base64(std::string_view s) {
    auto raw = codec::md5_of(codec::as_bytes(s));
    return codec::base64_encode(codec::as_bytes(raw));
}

std::string crc_base64(std::string_view s) {
    return codec::crc64_header(codec::crc64(0, codec::as_bytes(s)));
}

}  // namespace act::blob::test
