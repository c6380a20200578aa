#include "transfer/ops/content_md5.hpp"

#include "engine/codec/base64.hpp"
#include "engine/core/log.hpp"

namespace act::ops {

result<bool> wants_md5(md5_check how, const blob::properties& info, bool proven) {
    const bool stored = !info.content.md5.empty();
    if (how == md5_check::require && !stored) {
        return error(kind::integrity,
                     "blob '" + info.name + "' has no MD5, and --check-md5 require asks for one",
                     "use --check-md5 fail, which takes blobs without, or upload it again with --put-md5");
    }
    if (how == md5_check::no || !stored) return false;
    return how != md5_check::automatic || !proven;
}

std::string md5_header(codec::digest& md5) { return codec::base64_encode(codec::as_bytes(md5.finish())); }

result<void> compare_md5(md5_check how, const blob::properties& info, codec::digest& md5) {
    const std::string found = md5_header(md5);
    if (found == info.content.md5) return {};
    std::string what = "the content of blob '" + info.name + "' has the MD5 " + found +
                       ", but the one that is stored with it is " + info.content.md5;
    if (how == md5_check::log) {
        log::warning("{}", what);
        return {};
    }
    return error(kind::integrity, std::move(what),
                 "upload it again from where it is whole; --check-md5 log takes it as it is");
}

}  // namespace act::ops
