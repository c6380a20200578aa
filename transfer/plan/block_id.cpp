#include "transfer/plan/block_id.hpp"

#include <algorithm>
#include <cstring>

#include "engine/codec/base64.hpp"
#include "engine/core/units.hpp"

namespace act::plan {

namespace {

constexpr std::size_t id_bytes = 28;
constexpr char magic[4] = {'a', 'c', 't', '\1'};
constexpr std::uint64_t default_block = 8 * MiB;

void put32(char* to, std::uint32_t v) {
    for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(v >> (24 - 8 * i));
}

std::uint32_t get32(const char* from) {
    std::uint32_t v = 0;
    for (int i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(from[i]);
    return v;
}

}  // namespace

std::string to_string(const block_id& id) {
    char raw[id_bytes];
    std::memcpy(raw, magic, sizeof magic);
    put32(raw + 4, id.index);
    put32(raw + 8, id.length);
    const auto hash = id.hash.bytes();
    std::memcpy(raw + 12, hash.data(), hash.size());
    return codec::base64_encode(std::as_bytes(std::span(raw)));
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
