#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/secret.hpp"
#include "engine/http/client.hpp"
#include "transfer/blob/access.hpp"
#include "transfer/blob/detail.hpp"
#include "transfer/blob/encryption.hpp"
#include "transfer/blob/list_page.hpp"
#include "transfer/blob/types.hpp"

namespace act::blob {

/// Account URL, as "https://a.blob.core.windows.net" or "http://127.0.0.1:10000/devstoreaccount1" (no
/// trailing slash).
struct account {
    std::string name;
    uri endpoint;
    std::string settings{};  ///< the file its credential came from, for messages; may be empty
    /// Goes with every request that reads or writes under it. A blob that is not under the key is read
    /// without.
    blob::encryption encryption{};
};

/// What goes with a new blob. Whatever is not given is cleared on the service, so give all of it.
struct write_options {
    content_headers content;
    blob::metadata metadata;
    std::map<std::string, std::string> tags;
    std::string tier;
    conditions when;
};

struct write_result {
    blob::etag etag;
    wall_time modified{};
    std::string content_md5;  ///< base64, where the service computed one
};

/// How a body's integrity travels; found out once per endpoint (Azurite refuses CRC64).
enum class checksum { crc64, md5, none };

/// A checksum the caller has already computed while reading the body; lets the client not touch the bytes
/// again.
struct body_checksum {
    std::optional<std::uint64_t> crc64;
};

/// A blob's content as it arrives. `total` is the whole blob's size. If the service gave a checksum of this
/// range, verify() compares it with what the caller read.
struct download {
    http::exchange body;
    properties info;
    std::uint64_t total = 0;
    std::uint64_t length = 0;
    std::optional<std::uint64_t> range_crc64;
    std::string range_md5;  ///< base64
};

struct list_options {
    std::string prefix;
    std::string delimiter;
    std::string marker;
    unsigned max_results = 5000;
    bool metadata = true, snapshots = false, uncommitted = false, tags = false, versions = false,
         copy = false, deleted = false;
    /// What to keep of each entry; asks for the same all the same.
    blob::detail detail = blob::detail::full;
};

struct container_info {
    std::string name;
    blob::etag etag;
    wall_time modified{};
};

/// What the service is to read for a copy: the full URL with its SAS, and the version that it must still be
/// (empty: any), of which size.
struct copy_origin {
    secret url;
    blob::etag etag{};
    std::uint64_t size = 0;
    /// In place of a SAS, "Bearer ..."; not for copy_form::automatic_async.
    secret authorization{};
    /// What the source is encrypted with, if so; for put_from_url and blocks alone.
    std::shared_ptr<const customer_key> key{};
};

/// Of a new container; the service has no way to change it later.
struct container_options {
    std::string default_scope{};  ///< the encryption scope of what is written without one
    bool only_that_scope = false;
};

/// Copy Blob (automatic_async) knows neither keys nor scopes, Copy Blob From URL no keys: kind::unsupported.
enum class copy_form { automatic_async, sync_from_url, put_from_url };

struct batch_item {
    std::string name;        ///< blob within the batch's container
    std::string snapshot{};  ///< just that one
    std::string version{};   ///< likewise; with neither: the base blob
    blob::etag etag{};       ///< only while it has this one; empty: whichever
};
struct batch_outcome {
    int status = 0;  ///< 202, 404, ...; 0: no answer for this part
    std::string code;
    std::string message;
    bool repeated = false;  ///< the batch was sent more than once, so a 404 may be of its own doing
    bool done() const { return status / 100 == 2 || status == 404; }
    bool was_absent() const { return status == 404 && !repeated; }
};
enum class snapshots { refuse, include, only };

/// The Blob REST operations on one account. Usable from every loop; every call is one request (and its
/// retries) unless said otherwise. Errors are folded from the service's codes (blob-rest.md section 16) and
/// name the blob.
class client {
public:
    client(http::client&, account, std::shared_ptr<http::authorizer>, http::pipeline_options = {});
    /// The same account over the same connections with what is known of it so far, and requests that go
    /// another way: admitted, and so counted, by somebody else.
    client(const client& same, http::pipeline_options);
    /// Likewise, with another encryption.
    client(const client& same, http::pipeline_options, blob::encryption);
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    const blob::account& account() const;
    http::pipeline& pipeline();
    /// The full URL of a blob or container, without credentials.
    std::string url(const address&) const;

    // -- writing (section 6)
    task<result<write_result>> put_blob(address, http::body, body_checksum, write_options, until);
    task<result<write_result>> create_append_blob(address, write_options, until);
    task<result<write_result>> create_page_blob(address, std::uint64_t size, write_options, until);
    task<result<void>> put_block(address, std::string block_id, http::body, body_checksum,
                                 std::string lease_id, until);
    task<result<void>> put_block_from_url(address, std::string block_id, copy_origin, range, until);
    task<result<write_result>> put_block_list(address, std::vector<std::string> ids, write_options, until);
    task<result<block_list>> get_block_list(address, bool committed, bool uncommitted, until);
    task<result<write_result>> append_block(address, http::body, std::uint64_t expected_offset, until,
                                            conditions when = {});
    task<result<write_result>> put_page(address, range, http::body, until, conditions when = {});

    // -- reading (section 7). A range asks for a checksum where the service gives one (up to 4 MiB). An empty
    // blob is read as well: a range of it, or one of length 0, asks for the whole.
    task<result<download>> get(address, std::optional<range>, conditions, until);
    /// Reads all of `d` into `into` (exactly d.length bytes) and verifies the range checksum, if any.
    task<result<void>> read_verified(download& d, std::span<std::byte> into, until);
    task<result<properties>> head(address, until);
    /// What of a page blob was written, in order; all else is zeros.
    task<result<std::vector<range>>> get_page_ranges(address, conditions, until);

    // -- copying (section 8)
    struct copy_result {
        write_result written;
        std::string copy_id;
        std::string status;  ///< "success" or "pending"
    };
    task<result<copy_result>> copy(copy_form, copy_origin, address to, write_options, until);
    task<result<void>> abort_copy(address, std::string copy_id, until);

    // -- changing (section 9)
    task<result<void>> remove(address, snapshots, conditions, until);
    task<result<void>> remove_snapshot(address, std::string snapshot, until);
    /// A previous one: the service refuses to delete the current version by its id.
    task<result<void>> remove_version(address, std::string version, until);
    /// Brings back all of that name that is soft-deleted: the blob, snapshots, previous versions. In an
    /// account with real folders just one deletion of the path, with what went along with a folder; see
    /// properties::deletion_id.
    task<result<void>> undelete(address, std::string deletion_id, until);
    /// How many days the account keeps what is deleted; 0: not at all. Not every credential may ask.
    task<result<unsigned>> soft_delete_days(until);
    /// One Blob Batch of deletes, at most max_batch items, container-scoped; outcomes in the items' order.
    /// kind::unsupported when the service has no batch.
    task<result<std::vector<batch_outcome>>> remove_batch(std::string container, std::vector<batch_item>,
                                                          snapshots, until);
    /// `rehydrate`: how soon a blob leaves the archive tier, "Standard" (up to 15 hours) or "High".
    task<result<void>> set_tier(address, std::string tier, until, std::string rehydrate = {});
    /// These two replace all that there is, and give the blob a new ETag. `scope`: the encryption scope that
    /// the blob is in, which the service wants to be told.
    task<result<write_result>> set_metadata(address, metadata, conditions, until, std::string scope = {});
    task<result<write_result>> set_content_headers(address, content_headers, conditions, until);
    task<result<void>> set_tags(address, std::map<std::string, std::string>, until);
    task<result<std::map<std::string, std::string>>> get_tags(address, until);
    /// Its x-ms-snapshot value.
    task<result<std::string>> snapshot(address, until, std::string scope = {});

    // -- files and folders of an account with a hierarchical namespace, by its DFS endpoint. Without a name:
    // the container's root folder.
    task<result<access_control>> get_access(address, until);
    /// Two requests where a mode is to be set with other things.
    task<result<write_result>> set_access(address, access_change, until);
    /// Whether the account has a hierarchical namespace, as far as the credential may know; the container
    /// need not be there if it may. Up to two requests.
    task<result<bool>> has_real_folders(std::string container, until);

    // -- containers and listing (sections 10, 11)
    /// kind::conflict if it is there.
    task<result<void>> create_container(std::string container, until, container_options = {});
    task<result<void>> delete_container(std::string container, until);
    task<result<properties>> container_properties(std::string container, until);
    task<result<std::vector<container_info>>> list_containers(std::string prefix, until);  ///< all pages
    task<result<list_page>> list(std::string container, list_options, until);

    /// What bodies carry on this endpoint; changed by the client itself when the service refuses CRC64.
    checksum body_checksums() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace act::blob
