#pragma once

#include <atomic>
#include <string>

#include "transfer/blob/errors.hpp"
#include "transfer/blob/headers.hpp"
#include "transfer/blob/names.hpp"
#include "transfer/client/checksum_choice.hpp"
#include "transfer/client/client.hpp"

namespace act::blob {

/// One call to the service before it is sent: what every operation builds and hands to impl::run.
struct operation {
    http::request request;
    std::string what;   ///< the object's name for messages: "blob c/a.txt"
    bool path = false;  ///< for the DFS endpoint
    /// The blob need not be under the key that goes along: it is asked for once more without, where the
    /// service says so.
    bool key_if_used = false;
    /// The answer has to confirm the key or scope: a server that does not know them would store the content
    /// without a word.
    bool encrypted = false;
};

struct client::impl {
    impl(http::client&, blob::account, std::shared_ptr<http::authorizer>, http::pipeline_options,
         std::shared_ptr<checksum_choice>);

    blob::account account;
    http::endpoint endpoint;
    http::endpoint paths;  ///< the DFS endpoint
    std::string base;      ///< of every path: empty, or "/devstoreaccount1"
    retry_policy retry;
    std::shared_ptr<http::authorizer> authorizer;
    http::pipeline pipeline;
    std::shared_ptr<checksum_choice> checksums;
    /// How listings are asked for: in columns; in XML, where the columns are not understood; and so in the
    /// version of all else, where a newer one is refused.
    enum class listing_form : std::uint8_t { columns, xml, older_xml };
    std::atomic<listing_form> listings{listing_form::columns};

    /// Each checks the names and starts a request: target, version and a fresh client request id. `query` is
    /// encoded.
    result<operation> start(http::verb, const address& blob, std::string_view query);
    result<operation> start_container(http::verb, std::string_view container, std::string_view query);
    /// Of a path, for the DFS endpoint; without a name: of the container's root folder.
    result<operation> start_path(http::verb, const address&, std::string_view query);
    /// For calls on the account itself.
    operation start_account(http::verb, std::string_view query);

    /// For what needs the key of a blob that is under one: the account's. kind::configuration where others
    /// could read it on its way.
    result<void> open(operation&) const;
    /// For what writes content: key or scope.
    result<void> encrypt(operation&) const;
    /// The key of a copy's source, which this account's service is to show there.
    result<void> open_source(operation&, const copy_origin&) const;

    /// Sends and returns answers of 2xx; anything else becomes the folded error, naming `what`.
    task<result<http::exchange>> run(const operation&, const http::body&, until, unsigned* tries = nullptr);
    /// As run(), for bodies: adds the checksum header that this endpoint takes. An empty body carries none.
    task<result<http::exchange>> run_checked(const operation&, const http::body&, body_checksum, until,
                                             unsigned* tries = nullptr);
    /// An answer read whole.
    struct fetched {
        std::string text;
        http::fields headers;
        bool begun = false;  ///< it was there, whether or not it could be read to its end
        unsigned tries = 0;  ///< how often it was asked for
    };
    task<result<void>> fetch_once(const operation&, const http::body&, std::size_t cap, fetched&, until);

    /// The folded error of an answer, whose body is read for it.
    task<error> failure(http::exchange, std::string what, until);

    /// For answers that are read whole: sends (GET: hedged), reads up to `cap`, and does it again when the
    /// connection breaks within the body, which the pipeline does not see. `tries`, if given, is how often it
    /// was sent.
    task<result<std::string>> fetch(const operation&, const http::body&, std::size_t cap,
                                    http::fields* headers, until, unsigned* tries = nullptr);

    /// After a conditional write was refused on a later try: did an earlier try, whose answer was lost, do
    /// it?
    task<std::optional<properties>> written_before(const address&, const write_options&,
                                                   steady::time_point since, until);
    /// Runs a Delete Blob; gone on a later try is success: an earlier one did it and its reply was lost.
    task<result<void>> remove(operation&, until);

private:
    result<void> check_privacy(const operation&) const;
    std::optional<error> not_encrypted(const operation&, const http::response_head&) const;
    operation begin(http::verb, std::string target, std::string_view query, std::string what);
    std::string next_id();
    std::string id_prefix_;
    std::atomic<std::uint64_t> id_{0};
};

/// Whether an error may pass if the same is tried again.
bool transient(const error&);
/// True for what a conditional write answers when its condition does not hold.
bool condition_failed(const error&);
/// True when a write only happens while something holds.
bool conditional(const conditions&);
/// x-ms-copy-source, the version it must be of, and what opens it.
void add_origin(http::fields&, const copy_origin&);
/// What a write that was found to have happened would have answered.
write_result result_of(const properties&);
/// ETag, Last-Modified and Content-MD5 of an answer to a write.
write_result written(const http::response_head&);
/// Everything but the conditions: content, metadata, tags, tier. kind::usage for what the service would
/// refuse.
result<void> add_options(http::fields&, const write_options&);

}  // namespace act::blob
