#include "transfer/plan/block_id.hpp"

#include <algorithm>
#include <cstring>

#include "engine/codec/base64.hpp"
#include "engine/core/units.hpp"

namespace act::plan {

namespace {

constexpr std::size_t id_bytes = 28;
constexpr char magic[4] = {'a', 'c', 't', '\1'};
constexpr char copied_magic[4] = {'a', 'c', 't', '\2'};
constexpr std::uint64_t default_block = 8 * MiB;

void put32(char* to, std::uint32_t v) {
    for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(v >> (24 - 8 * i));
}

std::uint32_t get32(const char* from) {
    std::uint32_t v = 0;
    for (int i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(from[i]);
    return v;
}

std::string encode(const char (&what)[4], std::uint32_t index, std::uint32_t length,
                   const codec::hash128& hash) {
    char raw[id_bytes];
    std::memcpy(raw, what, sizeof what);
    put32(raw + 4, index);
    put32(raw + 8, length);
    const auto bytes = hash.bytes();
    std::memcpy(raw + 12, bytes.data(), bytes.size());
    return codec::base64_encode(std::as_bytes(std::span(raw)));
}

}  // namespace

std::string to_string(const block_id& id) { return encode(magic, id.index, id.length, id.hash); }

std::string copied_block_id(std::uint32_t index, std::uint32_t length, const codec::hash128& source) {
    return encode(copied_magic, index, length, source);
}

codec::hash128 source_identity(std::string_view account, const blob::address& at, const blob::etag& version) {
    codec::xxh3 hash;
    for (const std::string_view part : {account, std::string_view(at.container), std::string_view(at.name),
                                        std::string_view(version.text)}) {
        // No part holds a NUL, so none can pass for the end of another.
        hash.update(codec::as_bytes(part));
        hash.update(codec::as_bytes(std::string_view("\0", 1)));
    }
    return hash.digest();
}

bool has_our_length(std::string_view base64) {
    const auto raw = codec::base64_decode(base64);
    return raw && raw->size() == id_bytes;
}

std::optional<block_id> parse_block_id(std::string_view base64) {
    const auto raw = codec::base64_decode(base64);
    if (!raw || raw->size() != id_bytes || std::memcmp(raw->data(), magic, sizeof magic) != 0)
        return std::nullopt;
    block_id id;
    id.index = get32(raw->data() + 4);
    id.length = get32(raw->data() + 8);
    id.hash = codec::hash128::from_bytes(std::as_bytes(std::span(*raw).subspan<12, 16>()));
    return id;
}

std::uint64_t block_size_for(std::uint64_t file_size, std::uint64_t wanted) {
    const std::uint64_t least = (file_size + blob::max_blocks - 1) / blob::max_blocks;
    std::uint64_t size = wanted == 0 ? default_block : wanted;
    if (size < least) size = (least + MiB - 1) / MiB * MiB;
    return std::min<std::uint64_t>(size, blob::max_block);
}

std::vector<block_range> split(std::uint64_t file_size, std::uint64_t block_size) {
    std::vector<block_range> out;
    out.reserve(file_size / block_size + 1);
    for (std::uint64_t at = 0; at < file_size; at += block_size) {
        out.push_back({at, std::min(block_size, file_size - at)});
    }
    return out;
}

std::optional<std::vector<block_id>> own_layout(const std::vector<blob::block_entry>& committed,
                                                std::uint64_t size) {
    std::vector<block_id> out;
    out.reserve(committed.size());
    std::uint64_t total = 0;
    for (const auto& entry : committed) {
        const auto id = parse_block_id(entry.id);
        if (!id || id->length != entry.size || id->index != out.size()) return std::nullopt;
        total += entry.size;
        out.push_back(*id);
    }
    if (out.empty() || total != size) return std::nullopt;
    return out;
}

}  // namespace act::plan
