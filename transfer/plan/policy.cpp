#include "transfer/plan/policy.hpp"

namespace act::plan {

namespace {

template <class Source, class There, class Same>
bool decide(replace_rule rule, const Source& source, const There& there, Same same) {
    switch (rule.how) {
        case overwrite::always:
            return false;
        case overwrite::never:
            return true;
        case overwrite::newer:
            if (!newer(source, there)) return true;
            break;
        case overwrite::different:
            break;
    }
    return same();
}

}  // namespace

bool stays(replace_rule rule, const file::status& source, const blob::properties& there) {
    if (rule.how != overwrite::never && !is_whole(there)) return false;
    return decide(rule, source, there, [&] {
        return !rule.compare_content && rule.type.value_or(there.type) == there.type &&
               unchanged_for_upload(source, there);
    });
}

bool stays(replace_rule rule, const blob::properties& source, const file::status& there) {
    return decide(rule, source, there,
                  [&] { return !rule.compare_content && unchanged_for_download(source, there); });
}

bool stays(replace_rule rule, const blob::properties& source, const blob::properties& there,
           const property_changes& ignored) {
    if (rule.how != overwrite::never && !is_whole(there)) return false;
    return decide(rule, source, there, [&] {
        return rule.compare_content ? source.type == there.type && same_checksum(source, there)
                                    : unchanged_for_copy(source, there, ignored);
    });
}

}  // namespace act::plan
