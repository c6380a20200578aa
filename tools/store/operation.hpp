#pragma once

#include <span>
#include <variant>

#include "tools/store/service.hpp"

namespace act::store {

using read_operation = answer (*)(service&, const reader&, call&);
using write_operation = answer (*)(service&, writer&, call&);
/// One that reads its body itself, or waits for other things.
using long_operation = task<answer> (*)(service&, call&, http::server_exchange&);

/// One operation of the protocol: how it is recognised, who may do it, and what does it.
struct operation {
    enum class level { account, container, blob };
    /// What an anonymous caller needs: nothing helps, or this much public access of the container.
    enum class open { never, blob, container };

    const char* name;
    operation::level level;
    const char* method;
    const char* restype;
    const char* comp;
    /// A SAS needs any one of these; "*": whatever it allows.
    const char* permissions;
    operation::open open = open::never;
    /// A service SAS of the container covers it (container level only).
    bool in_container_sas = false;
    /// The largest body, read into call::body before the operation; 0: it has none, or reads it itself.
    std::size_t body = 0;
    std::variant<read_operation, write_operation, long_operation> run;
    /// Of the DFS endpoint, which shares this address: by which of the things that only its requests have it
    /// is told. Empty: an operation of the Blob API.
    const char* path = "";
};

std::span<const operation> all_operations();
/// The operation that a request asks for.
outcome<const operation*> find_operation(const call&);

// The operations, by the file they are in.

// account_operations.cpp
answer list_containers(service&, const reader&, call&);
answer get_service_properties(service&, const reader&, call&);
answer set_service_properties(service&, writer&, call&);
answer get_service_stats(service&, const reader&, call&);
answer get_account_information(service&, const reader&, call&);
answer get_user_delegation_key(service&, const reader&, call&);

// container_operations.cpp
answer create_container(service&, writer&, call&);
answer delete_container(service&, writer&, call&);
answer get_container(service&, const reader&, call&);
answer set_container_metadata(service&, writer&, call&);
answer get_container_acl(service&, const reader&, call&);
answer set_container_acl(service&, writer&, call&);

// list_blobs.cpp, find_blobs.cpp
task<answer> list_blobs(service&, call&, http::server_exchange&);
answer find_blobs_by_tags(service&, const reader&, call&);

// get_blob.cpp
task<answer> get_blob_content(service&, call&, http::server_exchange&);
answer head_blob(service&, const reader&, call&);

// put_blob.cpp
task<answer> put_blob(service&, call&, http::server_exchange&);

// blocks.cpp
task<answer> put_block(service&, call&, http::server_exchange&);
answer put_block_list(service&, writer&, call&);
answer get_block_list(service&, const reader&, call&);

// change_blob.cpp
answer set_blob_metadata(service&, writer&, call&);
answer set_blob_properties(service&, writer&, call&);
answer set_blob_tags(service&, writer&, call&);
answer get_blob_tags(service&, const reader&, call&);
answer set_blob_tier(service&, writer&, call&);
answer snapshot_blob(service&, writer&, call&);

// delete_blob.cpp
answer delete_blob(service&, writer&, call&);
answer undelete_blob(service&, writer&, call&);

// lease.cpp
answer lease_blob(service&, writer&, call&);
answer lease_container(service&, writer&, call&);

// append_blob.cpp, page_blob.cpp
task<answer> append_block(service&, call&, http::server_exchange&);
answer seal_blob(service&, writer&, call&);
task<answer> put_page(service&, call&, http::server_exchange&);
answer get_page_ranges(service&, const reader&, call&);

// copy.cpp, copy_from_url.cpp
task<answer> copy_blob(service&, call&, http::server_exchange&);
answer abort_copy(service&, writer&, call&);
task<answer> put_blob_from_url(service&, call&, http::server_exchange&);
task<answer> put_block_from_url(service&, call&, http::server_exchange&);

// path_operations.cpp
answer delete_path(service&, writer&, call&);
answer create_path(service&, writer&, call&);
answer rename_path(service&, writer&, call&);
answer get_path_access(service&, const reader&, call&);
answer set_path_access(service&, writer&, call&);

// batch.cpp
task<answer> batch(service&, call&, http::server_exchange&);

}  // namespace act::store
