#include "tools/store/operation.hpp"

namespace act::store {

namespace {

using level = enum operation::level;
using open = enum operation::open;

constexpr std::size_t small_document = 64 * KiB;
// 50,000 entries of 64 bytes in base64 with their tags.
constexpr std::size_t block_list_document = 8 * MiB;

// Find Blobs by Tags and the like are told apart by comp; what only headers tell apart is one operation here.
const operation operations[] = {
    {"ListContainers", level::account, "GET", "", "list", "l", open::never, false, 0, &list_containers},
    {"GetServiceProperties", level::account, "GET", "service", "properties", "r", open::never, false, 0,
     &get_service_properties},
    {"SetServiceProperties", level::account, "PUT", "service", "properties", "w", open::never, false,
     small_document, &set_service_properties},
    {"GetServiceStats", level::account, "GET", "service", "stats", "r", open::never, false, 0,
     &get_service_stats},
    {"GetUserDelegationKey", level::account, "POST", "service", "userdelegationkey", "", open::never, false,
     small_document, &get_user_delegation_key},
    {"GetAccountInfo", level::account, "GET", "account", "properties", "*", open::never, true, 0,
     &get_account_information},
    {"FindBlobsByTags", level::account, "GET", "", "blobs", "f", open::never, false, 0, &find_blobs_by_tags},
    {"Batch", level::account, "POST", "", "batch", "*", open::never, false, 0, &batch},

    {"ListBlobs", level::container, "GET", "container", "list", "l", open::container, true, 0, &list_blobs},
    {"CreateContainer", level::container, "PUT", "container", "", "cw", open::never, false, 0,
     &create_container},
    {"GetContainerProperties", level::container, "GET", "container", "", "r", open::container, false, 0,
     &get_container},
    {"DeleteContainer", level::container, "DELETE", "container", "", "d", open::never, false, 0,
     &delete_container},
    {"GetContainerMetadata", level::container, "GET", "container", "metadata", "r", open::container, false, 0,
     &get_container},
    {"SetContainerMetadata", level::container, "PUT", "container", "metadata", "w", open::never, false, 0,
     &set_container_metadata},
    {"GetContainerAcl", level::container, "GET", "container", "acl", "", open::never, false, 0,
     &get_container_acl},
    {"SetContainerAcl", level::container, "PUT", "container", "acl", "", open::never, false, small_document,
     &set_container_acl},
    {"LeaseContainer", level::container, "PUT", "container", "lease", "w", open::never, false, 0,
     &lease_container},
    {"FindBlobsByTags", level::container, "GET", "container", "blobs", "f", open::never, true, 0,
     &find_blobs_by_tags},
    {"Batch", level::container, "POST", "container", "batch", "*", open::never, true, 0, &batch},
    {"GetAccountInfo", level::container, "GET", "account", "properties", "*", open::never, true, 0,
     &get_account_information},

    {"PutBlob", level::blob, "PUT", "", "", "cw", open::never, false, 0, &put_blob},
    {"GetBlob", level::blob, "GET", "", "", "r", open::blob, false, 0, &get_blob_content},
    {"GetBlobProperties", level::blob, "HEAD", "", "", "r", open::blob, false, 0, &head_blob},
    {"DeleteBlob", level::blob, "DELETE", "", "", "dx", open::never, false, 0, &delete_blob},
    {"UndeleteBlob", level::blob, "PUT", "", "undelete", "w", open::never, false, 0, &undelete_blob},
    {"PutBlock", level::blob, "PUT", "", "block", "wc", open::never, false, 0, &put_block},
    {"PutBlockList", level::blob, "PUT", "", "blocklist", "wc", open::never, false, block_list_document,
     &put_block_list},
    {"GetBlockList", level::blob, "GET", "", "blocklist", "r", open::blob, false, 0, &get_block_list},
    {"GetBlobMetadata", level::blob, "GET", "", "metadata", "r", open::blob, false, 0, &head_blob},
    {"GetBlobMetadata", level::blob, "HEAD", "", "metadata", "r", open::blob, false, 0, &head_blob},
    {"SetBlobMetadata", level::blob, "PUT", "", "metadata", "w", open::never, false, 0, &set_blob_metadata},
    {"SetBlobProperties", level::blob, "PUT", "", "properties", "w", open::never, false, 0,
     &set_blob_properties},
    {"GetBlobTags", level::blob, "GET", "", "tags", "t", open::never, false, 0, &get_blob_tags},
    {"SetBlobTags", level::blob, "PUT", "", "tags", "t", open::never, false, small_document, &set_blob_tags},
    {"SetBlobTier", level::blob, "PUT", "", "tier", "w", open::never, false, 0, &set_blob_tier},
    {"SnapshotBlob", level::blob, "PUT", "", "snapshot", "cw", open::never, false, 0, &snapshot_blob},
    {"LeaseBlob", level::blob, "PUT", "", "lease", "w", open::never, false, 0, &lease_blob},
    {"AbortCopyBlob", level::blob, "PUT", "", "copy", "w", open::never, false, 0, &abort_copy},
    {"AppendBlock", level::blob, "PUT", "", "appendblock", "aw", open::never, false, 0, &append_block},
    {"SealBlob", level::blob, "PUT", "", "seal", "aw", open::never, false, 0, &seal_blob},
    {"PutPage", level::blob, "PUT", "", "page", "w", open::never, false, 0, &put_page},
    {"GetPageRanges", level::blob, "GET", "", "pagelist", "r", open::blob, false, 0, &get_page_ranges},
    {"GetAccountInfo", level::blob, "GET", "account", "properties", "*", open::never, false, 0,
     &get_account_information},

    {"PathDelete", level::blob, "DELETE", "", "", "d", open::never, false, 0, &delete_path, "recursive"},
    {"PathCreate", level::blob, "PUT", "", "", "wc", open::never, false, 0, &create_path, "resource"},
    {"PathRename", level::blob, "PUT", "", "", "wm", open::never, false, 0, &rename_path, "rename"},
    {"PathGetAccessControl", level::blob, "HEAD", "", "", "re", open::never, false, 0, &get_path_access,
     "action"},
    {"PathSetAccessControl", level::blob, "PATCH", "", "", "p", open::never, false, 0, &set_path_access,
     "action"},
    // Of the root folder.
    {"PathGetAccessControl", level::container, "HEAD", "", "", "re", open::never, true, 0, &get_path_access,
     "action"},
    {"PathSetAccessControl", level::container, "PATCH", "", "", "p", open::never, true, 0, &set_path_access,
     "action"},
};

// What only requests to the DFS endpoint have, if it has it.
std::string_view path_request(const call& c) {
    if (c.has_header("x-ms-rename-source")) return "rename";
    for (const char* parameter : {"recursive", "resource", "action"}) {
        if (c.has_param(parameter)) return parameter;
    }
    return {};
}

}  // namespace

std::span<const operation> all_operations() { return operations; }

outcome<const operation*> find_operation(const call& c) {
    const level at = !c.blob.empty() ? level::blob : !c.container.empty() ? level::container : level::account;
    const std::string_view restype = c.param("restype"), comp = c.param("comp");
    // HEAD is GET without a body, but for blobs themselves.
    const bool head = c.method == "HEAD";
    const std::string_view path = at == level::account ? std::string_view() : path_request(c);
    const operation* other_method = nullptr;
    for (const operation& o : operations) {
        if (o.level != at || o.path != path || !http::same_name(o.comp, comp)) continue;
        // Of a batch, some clients leave restype out; the JavaScript SDK takes an emulator's account for a
        // container.
        const bool lenient = http::same_name(comp, "batch");
        if (!http::same_name(o.restype, restype) && !lenient) continue;
        if (o.method == c.method || (head && at != level::blob && std::string_view(o.method) == "GET"))
            return &o;
        other_method = &o;
    }
    if (other_method) return failure(codes::unsupported_verb);
    if (!comp.empty()) return failure(codes::not_implemented);
    return failure(codes::invalid_uri);
}

}  // namespace act::store
