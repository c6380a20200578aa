#pragma once

#include "tools/store/call.hpp"
#include "tools/store/catalog.hpp"

/// Directories of an account with a hierarchical namespace: rows of table::blobs like files, marked as what
/// they are, and there before anything below them. In a flat account nothing here does anything.
namespace act::store {

/// The metadata by which directories are known through the Blob API (blob-rest.md section 19).
inline constexpr std::string_view folder_mark = "hdi_isfolder";

/// Whether what is written becomes a directory: by the metadata of the request or, where it has none, by that
/// of the source of a copy (packed).
bool makes_directory(const reader&, const call&, std::string_view copied = {});

/// Whether a file (or, if `directory`, a directory) may be written at `name`, where `old` stands or nothing:
/// no file is above it, and nothing of the other kind in its place.
outcome<> check_place(const reader&, std::uint64_t container, std::string_view name, const blob_record* old,
                      bool directory);

/// Makes the directories above `name` that are missing.
void make_parents(writer&, const call&, std::uint64_t container, std::string_view name);
/// A new directory's record, and its metadata, which it views.
blob_record new_directory(const call&, const std::string& metadata);
/// `metadata` (packed) with the folder mark.
std::string with_folder_mark(std::string metadata);

bool has_children(const reader&, std::uint64_t container, std::string_view directory);

/// What such an account does not take at all, by headers: tags.
outcome<> check_features(const reader&, const call&);

}  // namespace act::store
