#pragma once

#include <string>

#include "transfer/blob/types.hpp"

namespace act::blob {

/// Everything an entry holds, in a form that compares and prints.
inline std::string show(const properties& p) {
    std::string out =
        p.name + "|" + std::to_string(p.size) + "|" + p.etag.text + "|" + to_iso8601(p.modified) + "|" +
        (p.created ? to_iso8601(*p.created) : "-") + "|" + std::to_string(static_cast<int>(p.type)) + "|" +
        p.content.type + "|" + p.content.encoding + "|" + p.content.language + "|" + p.content.md5 + "|" +
        p.content.disposition + "|" + p.content.cache_control + "|" + p.tier + "|" + p.lease_status + "|" +
        p.lease_state + "|" + p.snapshot + "|" + p.version_id + "|" + p.copy_id + "|" + p.copy_status + "|" +
        p.copy_progress + "|" + p.copy_description + "|" + std::to_string(p.remaining_days) + "|" +
        (p.deleted_at ? to_iso8601(*p.deleted_at) : "-") + "|";
    for (bool b : {p.is_prefix, p.is_directory, p.deleted, p.uncommitted, p.current_version, p.tier_inferred})
        out += b ? '1' : '0';
    for (const auto& [k, v] : p.metadata) out += "|m " + k + "=" + v;
    for (const auto& [k, v] : p.tags) out += "|t " + k + "=" + v;
    return out;
}

}  // namespace act::blob
