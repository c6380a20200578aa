#include "tools/act/policy.hpp"

namespace act::cli {

namespace {

ops::new_blob_options new_blobs(const options& given) {
    return {.given = given.changes, .guess_content_type = !given.no_guess};
}

}  // namespace

result<void> check_policy(std::string_view verb, const options& given) {
    if (given.force && given.overwrite && *given.overwrite != plan::overwrite::always) {
        return error(kind::usage, "--force is --overwrite always, and another --overwrite is given",
                     "leave one of them out");
    }
    if (given.follow_links && given.keep_links) {
        return error(kind::usage, "--follow-symlinks and --preserve-symlinks contradict each other",
                     "leave one of them out");
    }
    if (given.unsafe_links && !given.keep_links) {
        return error(kind::usage,
                     "--unsafe-symlinks says which links --preserve-symlinks makes, which is not given",
                     "add --preserve-symlinks, or leave it out");
    }
    if (given.blob_type && *given.blob_type != blob::blob_type::block) {
        if (!given.changes.tier.empty()) {
            return error(kind::usage, "--tier is for block blobs, and --blob-type asks for others",
                         "leave one of them out");
        }
        if (given.block_size > 0) {
            return error(kind::usage,
                         "--block-size is for block blobs; page and append blobs go in pieces of 4 MiB",
                         "leave it out");
        }
    }
    // `set` says for itself what it takes.
    if (verb == "set") return {};
    return plan::check_for_transfer(given.changes);
}

plan::overwrite overwrite_of(const options& given) {
    if (given.force) return plan::overwrite::always;
    return given.overwrite.value_or(plan::overwrite::different);
}

file::links links_of(const options& given) {
    return given.keep_links ? file::links::report : file::links::follow;
}

ops::upload_options upload_options_of(const options& given, plan::selection wanted) {
    return {.block_size = given.block_size,
            .overwrite = overwrite_of(given),
            .compare_content = given.hash,
            .dry_run = given.dry_run,
            .wanted = std::move(wanted),
            .links = links_of(given),
            .blobs = new_blobs(given),
            .keep_owner = given.keep_owner,
            .put_md5 = given.put_md5,
            .type = given.blob_type};
}

ops::download_options download_options_of(const options& given, plan::selection wanted) {
    ops::download_options how{.overwrite = overwrite_of(given),
                              .compare_content = given.hash,
                              .dry_run = given.dry_run,
                              .wanted = std::move(wanted),
                              .md5 = given.check_md5,
                              .decompress = given.decompress,
                              .links = {given.keep_links, given.unsafe_links, given.follow_links},
                              .keep_owner = given.keep_owner};
    if (given.block_size > 0) how.part_size = given.block_size;
    return how;
}

ops::copy_options copy_options_of(const options& given, plan::selection wanted) {
    return {.block_size = given.block_size,
            .overwrite = overwrite_of(given),
            .compare_content = given.hash,
            .given = given.changes,
            .dry_run = given.dry_run,
            .wanted = std::move(wanted),
            .keep_permissions = given.keep_permissions};
}

ops::stream_in_options stream_options_of(const options& given) {
    ops::stream_in_options how;
    how.block_size = given.block_size;
    how.overwrite = overwrite_of(given);
    how.blobs = new_blobs(given);
    how.put_md5 = given.put_md5;
    how.type = given.blob_type;
    return how;
}

result<void> check_attributes_fit(const options& given, const std::string& text) {
    if (given.changes.empty()) return {};
    return error(kind::usage,
                 "--metadata, --header, --tag and --tier are kept by stores, and '" + text + "' is none",
                 "leave them out");
}

}  // namespace act::cli
