#pragma once

#include "tools/store/put_blob.hpp"

namespace act::store {

/// How far a copy is, as its destination tells: of a pending one, what this process knows of it. One whose
/// process has died has failed.
struct copy_progress {
    std::string status, description;
    std::uint64_t done = 0, total = 0;
};
copy_progress progress_of(service&, const blob_record&);

/// A URL without its SAS.
std::string_view without_query(std::string_view url);

/// Where a copy comes from: a blob of this store, whose content is shared, or a URL elsewhere, which is read.
struct copy_source {
    uri url;                  ///< credentials and all
    std::string text;         ///< without them
    http::fields credential;  ///< Authorization, from x-ms-copy-source-authorization
    std::optional<call> own;  ///< for this store: a read of the source
};
/// Reads x-ms-copy-source, and finds out whether it is here.
outcome<copy_source> read_copy_source(service&, const call&);

/// The source in this store: its record, after all checks. `bytes` keeps what the record's views show.
struct own_source {
    std::string bytes;
    blob_record record;
};
/// `key_is_enough`: the requester's own account key opens the source, as in the asynchronous copy.
outcome<own_source> open_own(service&, const reader&, copy_source&, const call& request, bool key_is_enough);

/// A source elsewhere: the answer to a GET of it, of a range if one is given.
struct remote_source {
    http::exchange exchange;
    std::uint64_t size = 0;
};
task<outcome<remote_source>> open_remote(service&, const copy_source&, const call& request, std::string range,
                                         until);

/// Takes the body of a remote source. `progress` is told how much has come.
task<outcome<received>> take(service&, remote_source&, std::atomic<std::uint64_t>* progress, until);

/// The bytes at x-ms-copy-source, or x-ms-source-range of them, checked against x-ms-source-content-md5 and
/// -crc64.
task<outcome<received>> fetch(service&, call&, std::uint64_t limit);

/// The range of x-ms-source-range within a source of `size` bytes; all of it when there is none.
outcome<blob::range> source_range(const call&, std::uint64_t size);

}  // namespace act::store
