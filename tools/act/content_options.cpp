#include "tools/act/content_options.hpp"

#include <algorithm>

namespace act::cli {

error permissions_are_stored() {
    return error(kind::usage,
                 "--preserve-permissions is for copies from one hierarchical account to another: files here "
                 "have no such access control lists",
                 "leave it out; --preserve-owner keeps user and group of files");
}

result<void> check_content_options(const options& given, std::span<const copy_pair> pairs) {
    const bool range = given.offset > 0 || given.count > 0;
    const bool checks = given.seen.contains("--check-md5");
    if (given.decompress && given.hash) {
        return error(kind::usage,
                     "--hash compares what is stored, which --decompress does not leave as it is",
                     "leave one of them out");
    }
    if (given.decompress && !given.manifest_out.empty()) {
        return error(kind::usage, "a manifest tells of files that are as they are stored, not decompressed",
                     "leave out --decompress or --manifest-out");
    }
    if (range && (given.decompress || checks)) {
        return error(kind::usage, "--decompress and --check-md5 are for whole blobs, not for a range",
                     "leave out --offset and --count, or these");
    }
    if (pairs.empty()) return {};
    const auto any = [&](bool up) {
        return std::any_of(pairs.begin(), pairs.end(), [up](const copy_pair& p) {
            return up ? !p.from.remote() : p.from.remote() && !p.to.remote();
        });
    };
    if (given.put_md5 && !any(true)) {
        return error(kind::usage, "--put-md5 is for what is uploaded; stores keep the MD5s that there are",
                     "leave it out");
    }
    if (given.blob_type && !any(true)) {
        return error(kind::usage, "--blob-type is for what is uploaded; copies keep the type of their source",
                     "leave it out");
    }
    const auto between_stores = [](const copy_pair& p) { return p.from.remote() && p.to.remote(); };
    if (given.keep_permissions && !std::all_of(pairs.begin(), pairs.end(), between_stores))
        return permissions_are_stored();
    if ((given.decompress || checks) && !any(false)) {
        return error(kind::usage,
                     std::string(given.decompress ? "--decompress" : "--check-md5") + " is for downloads",
                     "leave it out");
    }
    return {};
}

}  // namespace act::cli
