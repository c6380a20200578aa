#pragma once

#include <filesystem>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "../../transfer/blob/show.hpp"
#include "engine/codec/base64.hpp"
#include "engine/http/client.hpp"
#include "tools/store/store.hpp"
#include "transfer/auth/credential.hpp"
#include "transfer/auth/sas.hpp"
#include "transfer/blob/listing.hpp"
#include "transfer/blob/listing_arrow.hpp"

namespace act::store {

/// A folder of its own, gone with the object.
class temporary_folder {
public:
    temporary_folder() {
        char name[] = "/tmp/act-store-test-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~temporary_folder() { std::filesystem::remove_all(path_); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// The value of a call that must not fail.
template <class T>
T opened(result<T> r) {
    EXPECT_TRUE(r) << r.error().describe();
    return std::move(*r);
}

inline std::size_t data_files(const std::string& root) {
    std::size_t n = 0;
    for (const auto& e : std::filesystem::recursive_directory_iterator(root + "/data"))
        n += e.is_regular_file();
    return n;
}

struct response {
    int status = 0;
    http::fields headers;
    std::string body;
    std::string code() const { return std::string(headers.get("x-ms-error-code")); }
};

using header_list = std::vector<std::pair<std::string, std::string>>;

/// A store on a port of its own, and a client that speaks plain HTTP to it.
class store_test : public testing::Test {
protected:
    void SetUp() override { start(); }
    void TearDown() override {
        stop();
        run_.run(client_.close());
    }

    void start() {
        options o;
        o.root = folder_.path() + "/store";
        o.listen = "127.0.0.1:0";
        o.memory = 16 * MiB;
        o.network = network_;
        o.admin = admin_;
        o.bearer_token = token_;
        o.soft_delete_days = soft_delete_;
        o.versioning = versioning_;
        o.hierarchical = hierarchical_;
        store_ = std::make_unique<store>(run_, o);
        const auto started = store_->start();
        ASSERT_TRUE(started) << started.error().describe();
    }
    void stop() {
        if (store_) run_.run(store_->stop());
        store_.reset();
    }
    void restart() {
        stop();
        start();
    }

    /// `target` begins behind the account: "/container/blob?...".
    response send(const std::string& method, const std::string& target, const header_list& headers = {},
                  std::string_view body = {}) {
        return send_to(*store_, method, target, headers, body, true);
    }
    response send_unsigned(const std::string& method, const std::string& target,
                           const header_list& headers = {}, std::string_view body = {}) {
        return send_to(*store_, method, target, headers, body, false);
    }
    response send_to(const store& to, const std::string& method, const std::string& target,
                     const header_list& headers, std::string_view body, bool with_key) {
        response out;
        run_.run(exchange(to, method, target, headers, body, with_key, out));
        return out;
    }

    task<void> exchange(const store& to, std::string method, std::string target, header_list headers,
                        std::string_view body, bool with_key, response& out) {
        const auto at = parse_uri(to.endpoint());
        http::request r;
        r.method = method == "GET"      ? http::verb::get
                   : method == "PUT"    ? http::verb::put
                   : method == "HEAD"   ? http::verb::head
                   : method == "DELETE" ? http::verb::del
                   : method == "PATCH"  ? http::verb::patch
                                        : http::verb::post;
        r.target = at->path + target;
        for (const auto& [name, value] : headers) r.headers.set(name, value);
        if (!r.headers.has("x-ms-version")) r.headers.set("x-ms-version", "2021-12-02");
        if (method != "GET" && method != "HEAD" && body.empty()) r.headers.set("Content-Length", "0");
        const http::endpoint where = http::endpoint::of(*at);
        if (with_key) {
            const auto key = auth::shared_key(emulator_account, secret(emulator_key));
            (void)co_await (*key)->authorize(r, where, body.size(), {});
        }
        auto got =
            co_await client_.send(where, r, body.empty() ? http::body::none() : http::body::text(body), {});
        if (!got) {
            out.body = got.error().describe();
            co_return;
        }
        out.status = got->head().status;
        out.headers = got->head().headers;
        auto text = co_await got->read_all(256 * MiB, {});
        out.body = text ? std::move(*text) : text.error().describe();
    }

    /// A listing, asked for in either form.
    blob::list_page read_listing(const std::string& target, bool columns) {
        if (!columns) {
            blob::listing_scanner scanner;
            EXPECT_TRUE(scanner.feed(send("GET", target).body));
            EXPECT_TRUE(scanner.finish());
            return blob::list_page(std::move(scanner.items()), scanner.next_marker());
        }
        const auto got =
            send("GET", target, {{"Accept", blob::arrow_type}, {"x-ms-version", blob::arrow_version}});
        EXPECT_EQ(got.headers.get("Content-Type"), blob::arrow_type);
        return opened(blob::read_arrow_listing(blob::column_bytes::copy_of(got.body), blob::detail::full));
    }
    void expect_same_in_columns(const std::string& target) {
        auto xml = read_listing(target, false), columns = read_listing(target, true);
        EXPECT_EQ(columns.next_marker, xml.next_marker) << target;
        ASSERT_EQ(columns.size(), xml.size()) << target;
        for (std::size_t i = 0; i < xml.size(); ++i) EXPECT_EQ(show(columns[i]), show(xml[i])) << target;
    }

    void make_container(const std::string& name) {
        ASSERT_EQ(send("PUT", "/" + name + "?restype=container").status, 201);
    }
    response put(const std::string& target, std::string_view body, header_list headers = {}) {
        headers.emplace_back("x-ms-blob-type", "BlockBlob");
        return send("PUT", target, headers, body);
    }
    response put_block(const std::string& blob, const std::string& id, std::string_view body) {
        return send("PUT", blob + "?comp=block&blockid=" + encode_component(base64(id)), {}, body);
    }
    static std::string base64(std::string_view raw) { return codec::base64_encode(codec::as_bytes(raw)); }

    /// The texts of all <Name> elements.
    static std::vector<std::string> names(const std::string& xml) {
        std::vector<std::string> out;
        for (std::size_t at = 0; (at = xml.find("<Name>", at)) != std::string::npos;) {
            at += 6;
            out.push_back(xml.substr(at, xml.find("</Name>", at) - at));
        }
        return out;
    }
    static std::string text_of(const std::string& xml, const std::string& element) {
        const std::size_t at = xml.find("<" + element + ">");
        if (at == std::string::npos) return {};
        const std::size_t from = at + element.size() + 2;
        return xml.substr(from, xml.find("</" + element + ">", from) - from);
    }

    runtime run_{{.loops = 2}};
    temporary_folder folder_;
    network_model network_;                     ///< from the next start on
    std::string admin_;                         ///< likewise
    secret token_;                              ///< likewise
    std::optional<std::uint32_t> soft_delete_;  ///< likewise
    std::optional<bool> versioning_;            ///< likewise
    bool hierarchical_ = false;                 ///< likewise
    std::unique_ptr<store> store_;
    http::client client_{run_, {}};
};

/// Bytes that differ everywhere.
inline std::string noise(std::size_t size, std::uint64_t seed = 1) {
    std::string s(size, '\0');
    for (char& c : s) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        c = static_cast<char>(seed >> 56);
    }
    return s;
}

}  // namespace act::store
