#pragma once

#include "tools/store/call.hpp"

/// Customer-provided keys and encryption scopes as the service keeps them, on the wire: what is stored is not
/// encrypted, but a blob opens itself only to requests that name what it was written with. Of a key only its
/// SHA-256 is kept. Any valid name is a scope.
namespace act::store {

/// What a write into the container is under: the request's key or scope, else the container's default scope.
/// Views into both.
outcome<encryption> encryption_of_write(const call&, const container_record&);

/// Whether a read of content or properties has the key of a blob that is under `there`. Scopes open
/// themselves.
outcome<> check_read(const call&, const encryption& there);
/// Whether a change of a blob (or of staged blocks) under `there` names the same.
outcome<> check_change_in_place(const encryption& asked, const encryption& there);
/// Whether a copy names its source's key (x-ms-source-encryption-key).
outcome<> check_source(const call&, const encryption& there);
/// The source's key, for the request that reads it elsewhere.
void add_source_key(const call&, http::fields& ask);

/// The answer's x-ms-encryption-key-sha256 or x-ms-encryption-scope.
void add_encryption(http::fields&, const encryption&);
/// The same behind x-ms-request-server-encrypted, for writes.
void add_encrypted_write(http::fields&, const encryption&);

}  // namespace act::store
