#pragma once

#include "transfer/plan/attributes.hpp"

/// What becomes of what stands at a destination already.
namespace act::plan {

enum class overwrite {
    different,  ///< replaced unless it is unchanged
    always,     ///< replaced
    newer,      ///< replaced by what is newer, and not by the same
    never,      ///< left
};

/// How it is found out whether two things are the same.
struct replace_rule {
    overwrite how = overwrite::different;
    bool compare_content = false;  ///< not by time: whoever has both contents compares them
    /// If given: of an upload, what stands there as a blob of another type is not the same.
    std::optional<blob::blob_type> type{};
};

/// Whether what stands there stays, by what the listing tells. Contents, where they are to be compared, are
/// compared afterwards.
bool stays(replace_rule, const file::status& source, const blob::properties& there);
bool stays(replace_rule, const blob::properties& source, const file::status& there);
/// A copy's rule by content is same_checksum(); `ignored` names what the copy is given anyway.
bool stays(replace_rule, const blob::properties& source, const blob::properties& there,
           const property_changes& ignored);

}  // namespace act::plan
