#include "transfer/plan/content_hash.hpp"

#include <charconv>

#include <fmt/format.h>

#include "engine/codec/base64.hpp"

namespace act::plan {

namespace {

constexpr std::string_view xxh3_name = "xxh3-128";

bool is_hex(std::string_view text, std::size_t digits) {
    return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

std::optional<content_hash> parse_content_hash(std::string_view text) {
    using form = enum content_hash::form;
    const std::size_t colon = text.find(':');
    if (colon == text.npos) return std::nullopt;
    const std::string_view name = text.substr(0, colon), value = text.substr(colon + 1);
    content_hash out;
    out.text = text;
    if (name == "md5") {
        const auto raw = codec::base64_decode(value);
        if (!raw || raw->size() != 16) return std::nullopt;
        out.form = form::md5;
        return out;
    }
    if (name == "crc64") {
        if (!is_hex(value, 16)) return std::nullopt;
        out.form = form::crc64;
        return out;
    }
    if (!name.starts_with(xxh3_name) || !is_hex(value, 32)) return std::nullopt;
    const std::string_view cut = name.substr(xxh3_name.size());
    if (cut.empty()) return out;
    const char* end = cut.data() + cut.size();
    const auto [stop, failed] = std::from_chars(cut.data() + 1, end, out.block);
    if (cut.front() != '/' || failed != std::errc() || stop != end || out.block == 0) return std::nullopt;
    out.form = form::blocks;
    return out;
}

std::string whole_hash(const codec::hash128& hash) { return fmt::format("{}:{}", xxh3_name, hash.hex()); }

std::string md5_hash(std::string_view base64) {
    return base64.empty() ? std::string() : fmt::format("md5:{}", base64);
}

std::string crc64_hash(std::uint64_t crc) { return fmt::format("crc64:{:016x}", crc); }

std::string blocks_hash(const std::vector<block_id>& blocks) {
    if (blocks.empty()) return {};
    if (blocks.size() == 1) return whole_hash(blocks.front().hash);
    const std::uint32_t length = blocks.front().length;
    codec::xxh3 over;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const bool last = i + 1 == blocks.size();
        if (last ? blocks[i].length > length : blocks[i].length != length) return {};
        const auto bytes = blocks[i].hash.bytes();
        over.update(bytes);
    }
    return fmt::format("{}/{}:{}", xxh3_name, length, over.digest().hex());
}

std::string blocks_hash(const std::vector<std::string>& ids) {
    std::vector<block_id> blocks;
    blocks.reserve(ids.size());
    for (const auto& id : ids) {
        const auto block = parse_block_id(id);
        if (!block) return {};
        blocks.push_back(*block);
    }
    return blocks_hash(blocks);
}

}  // namespace act::plan
