#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

/// As records call it.
std::string name_of(blob::blob_type type) {
    if (type == blob::blob_type::block) return {};
    return type == blob::blob_type::page ? "page" : "append";
}

}  // namespace

void record(const upload_run& run, const upload_item& item, const file::status& file, const blob::etag& etag,
            std::string hash, bool unchanged) {
    if (!run.op.records()) return;
    act::record what;
    what.folder = item.directory_stub;
    what.size = what.folder ? 0 : file.size;
    what.etag = etag.text;
    if (!what.folder) what.modified = file.modified;
    what.hash = std::move(hash);
    what.unchanged = unchanged;
    what.link = !what.folder && file.type == file::type::symlink;
    what.blob_type = name_of(unchanged && item.existing ? item.existing->type : type_of(run, item));
    run.op.record({item.local, item.blob}, std::move(what));
}

void record_left(const upload_run& run, const upload_item& item, const file::status& file,
                 const blob::properties& there) {
    if (!run.op.records()) return;
    act::record what;
    // What stays by --overwrite may be another thing.
    const bool same = !item.directory_stub && plan::unchanged_for_upload(file, there);
    what.folder = there.is_directory;
    what.size = there.size;
    what.etag = there.etag.text;
    if (!what.folder) what.modified = same ? file.modified : plan::modified_of(there.metadata);
    what.hash = plan::md5_hash(there.content.md5);
    what.unchanged = true;
    what.link = plan::is_link(there);
    what.blob_type = name_of(there.type);
    run.op.record({item.local, item.blob}, std::move(what));
}

}  // namespace act::ops
