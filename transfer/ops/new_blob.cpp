#include "transfer/ops/new_blob.hpp"

#include "transfer/ops/content_types.hpp"

namespace act::ops {

blob::write_options describe(const new_blob_options& options, const std::string& name, blob::metadata own) {
    blob::write_options out;
    const plan::property_changes& given = options.given;
    if (options.guess_content_type && !given.headers.contains("content-type")) {
        out.content.type = content_types::shared().of(name);
    }
    if (!given.headers.empty()) out.content = plan::merged_headers(std::move(out.content), given.headers);
    out.metadata = given.metadata.empty() ? std::move(own) : plan::merged(std::move(own), given.metadata);
    if (!given.tags.empty()) out.tags = plan::merged({}, given.tags);
    out.tier = given.tier;
    return out;
}

bool refused_by_condition(const error& e) {
    return e.code() == "BlobAlreadyExists" ||
           (e.kind() == kind::precondition && e.code() != "SourceConditionNotMet" && e.status() == 412);
}

}  // namespace act::ops
