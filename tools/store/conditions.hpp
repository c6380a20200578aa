#pragma once

#include "tools/store/call.hpp"

namespace act::store {

/// What the conditions of a request are held against.
struct state {
    bool exists = false;
    std::uint64_t etag = 0;
    nanos modified = 0;
    std::string_view tags;  ///< packed

    static state of(const blob_record* r) { return r ? state{true, r->etag, r->modified, r->tags} : state{}; }
    static state of(const container_record& r) { return {true, r.etag, r.modified, {}}; }
};

enum class purpose {
    read,    ///< unmet If-None-Match and If-Modified-Since are 304
    write,   ///< everything unmet is 412
    create,  ///< as write, but `If-None-Match: *` for something that exists is 409
    source,  ///< x-ms-source-if-*
};

/// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since and x-ms-if-tags (blob-rest.md section
/// 14).
outcome<> check_conditions(const call&, const state&, purpose);

/// x-ms-lease-id. Changes of something leased need it; elsewhere it is only compared if it is there.
enum class leased { blob, container };
outcome<> check_lease(const call&, const lease&, leased, bool needed);

/// All that a change of a blob must pass: lease, pending copy, conditions.
outcome<> check_change(const call&, const blob_record* existing, purpose = purpose::write);

/// Once something is changed, a lease that has ended cannot be renewed.
lease after_change(const lease&, nanos now);

}  // namespace act::store
