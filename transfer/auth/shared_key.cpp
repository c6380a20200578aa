#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/codec/base64.hpp"
#include "transfer/auth/credential.hpp"
#include "transfer/auth/culture_order.hpp"

namespace act::auth {
namespace {

constexpr std::string_view prefix = "x-ms-";

/// The standard headers in the order in which their values are signed; Content-Length is not looked up.
constexpr std::array<std::string_view, 11> signed_headers = {
    "Content-Encoding",  "Content-Language", "Content-Length", "Content-MD5",         "Content-Type", "Date",
    "If-Modified-Since", "If-Match",         "If-None-Match",  "If-Unmodified-Since", "Range"};
constexpr std::size_t length_line = 2, date_line = 5;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trim(std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
    return s;
}

struct header_lines {
    std::array<std::string_view, signed_headers.size()> standard{};
    std::vector<std::pair<std::string, std::string_view>> ours;
};

/// One pass over the fields: this runs for every request.
header_lines collect(const http::fields& headers) {
    header_lines out;
    out.ours.reserve(headers.size());
    for (std::size_t i = 0; i < headers.size(); ++i) {
        auto [name, value] = headers.at(i);
        if (name.size() > prefix.size() && http::same_name(name.substr(0, prefix.size()), prefix)) {
            std::string key(name);
            for (char& c : key) c = lower(c);
            out.ours.emplace_back(std::move(key), trim(value));
            continue;
        }
        for (std::size_t k = 0; k < signed_headers.size(); ++k) {
            if (name.size() == signed_headers[k].size() && http::same_name(name, signed_headers[k])) {
                out.standard[k] = value;
                break;
            }
        }
    }
    std::sort(out.ours.begin(), out.ours.end(),
              [](const auto& a, const auto& b) { return culture_less(a.first, b.first); });
    return out;
}

void append_resource(std::string& out, std::string_view account, std::string_view target) {
    auto question = target.find('?');
    auto path = target.substr(0, question);
    out.append("/").append(account).append(path.empty() ? "/" : path);
    if (question == target.npos) return;
    auto query = parse_query(target.substr(question + 1));
    for (auto& [name, value] : query) {
        for (char& c : name) c = lower(c);
    }
    std::sort(query.begin(), query.end());
    for (std::size_t i = 0; i < query.size(); ++i) {
        const auto& [name, value] = query[i];
        if (i != 0 && query[i - 1].first == name) {
            out.append(",").append(value);
        } else {
            out.append("\n").append(name).append(":").append(value);
        }
    }
}

/// HMAC objects belong to one thread; each thread keeps those of the keys it signed with last.
class signer {
public:
    explicit signer(std::string raw_key) : key_(std::move(raw_key)), id_(next_id()) {}

    std::string sign(std::string_view message) const {
        struct kept {
            std::uint64_t id;
            codec::hmac_sha256 mac;
        };
        static thread_local std::vector<kept> cache;
        auto at = std::find_if(cache.begin(), cache.end(), [&](const kept& k) { return k.id == id_; });
        if (at == cache.end()) {
            constexpr std::size_t most = 8;
            if (cache.size() == most) cache.erase(cache.begin());
            cache.push_back({id_, codec::hmac_sha256(key_)});
            at = cache.end() - 1;
        }
        return codec::base64_encode(at->mac.sign(message));
    }

private:
    static std::uint64_t next_id() {
        static std::atomic<std::uint64_t> last{0};
        return ++last;
    }
    std::string key_;
    std::uint64_t id_;
};

class shared_key_authorizer final : public http::authorizer {
public:
    shared_key_authorizer(std::string account, std::string raw_key)
        : account_(std::move(account)), signer_(std::move(raw_key)) {}

    task<result<void>> authorize(http::request& r, const http::endpoint&, std::uint64_t content_length,
                                 until) override {
        r.headers.set("x-ms-date", to_http_date(now()));
        auto text =
            shared_key_string(http::to_string(r.method), account_, r.target, r.headers, content_length);
        r.headers.set("Authorization", fmt::format("SharedKey {}:{}", account_, signer_.sign(text)));
        co_return result<void>();
    }

private:
    std::string account_;
    signer signer_;
};

class anonymous_authorizer final : public http::authorizer {
public:
    task<result<void>> authorize(http::request&, const http::endpoint&, std::uint64_t, until) override {
        co_return result<void>();
    }
};

}  // namespace

std::string shared_key_string(std::string_view method, std::string_view account, std::string_view target,
                              const http::fields& headers, std::uint64_t content_length) {
    auto lines = collect(headers);
    bool dated = std::any_of(lines.ours.begin(), lines.ours.end(),
                             [](const auto& h) { return h.first == "x-ms-date"; });
    if (dated) lines.standard[date_line] = {};

    std::string out;
    out.reserve(512);
    out.append(method).push_back('\n');
    for (std::size_t k = 0; k < signed_headers.size(); ++k) {
        if (k != length_line) {
            out.append(lines.standard[k]);
        } else if (content_length != 0) {
            out.append(fmt::format_int(content_length).c_str());
        }
        out.push_back('\n');
    }
    // White space within values stays: the service only unfolds lines, and fields hold none.
    for (const auto& [name, value] : lines.ours) out.append(name).append(":").append(value).push_back('\n');
    append_resource(out, account, target);
    return out;
}

result<std::shared_ptr<http::authorizer>> shared_key(std::string account, const secret& key) {
    auto raw = codec::base64_decode(key.reveal());
    if (account.empty()) return error(kind::configuration, "an account key needs the account's name");
    if (!raw || raw->empty()) {
        return error(kind::configuration, fmt::format("the key of account '{}' is not base64", account),
                     "Copy the whole key, with its trailing '=' characters.");
    }
    return std::make_shared<shared_key_authorizer>(std::move(account), std::move(*raw));
}

std::shared_ptr<http::authorizer> anonymous() { return std::make_shared<anonymous_authorizer>(); }

}  // namespace act::auth
