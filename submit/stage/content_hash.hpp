#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"

/// The name of an archive: what makes two code trees the same. Private to this folder.
namespace act::stage {

/// How an entry counts; of the permission bits only "executable" matters, so that umasks do not.
enum class entry_kind : char { file = 'f', executable = 'x', link = 'l', directory = 'd' };

inline std::uint32_t mode_of(entry_kind k) {
    switch (k) {
        case entry_kind::file:
            return 0100644;
        case entry_kind::executable:
            return 0100755;
        case entry_kind::link:
            return 0120777;
        case entry_kind::directory:
            return 0040755;
    }
    return 0100644;
}
inline bool is_file(entry_kind k) { return k == entry_kind::file || k == entry_kind::executable; }
/// Of an st_mode, type and permissions.
inline entry_kind kind_of(std::uint32_t mode) {
    if ((mode & 0170000) == 0120000) return entry_kind::link;
    if ((mode & 0170000) == 0040000) return entry_kind::directory;
    return (mode & 0111) != 0 ? entry_kind::executable : entry_kind::file;
}

/// SHA-256 over the entries in the byte order of their names: kind, length of the name, name, SHA-256 of the
/// content (a link's is its target, a directory's is empty).
class content_hash {
public:
    content_hash() : digest_(codec::digest::algorithm::sha256) {
        digest_.update(codec::as_bytes("act-code-1\n"));
    }
    void add(entry_kind k, std::string_view name, std::string_view content_sha256) {
        std::string line(1, static_cast<char>(k));
        line += ' ' + std::to_string(name.size()) + ' ';
        line.append(name).append(1, ' ').append(content_sha256).append(1, '\n');
        digest_.update(codec::as_bytes(line));
    }
    /// 64 hexadecimal digits.
    std::string finish() { return codec::hex(codec::as_bytes(digest_.finish())); }

private:
    codec::digest digest_;
};

}  // namespace act::stage
