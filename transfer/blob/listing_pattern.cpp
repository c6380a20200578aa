#include "transfer/blob/listing_pattern.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace act::blob {
namespace {

constexpr std::string_view opening = "<Blob>", closing = "</Blob>";
/// A longer entry, or one with more leaves, is not worth keeping.
constexpr std::size_t max_entry = 64 * 1024;
constexpr std::size_t max_leaves = 256;
/// Where entries are of no form, the attempts become so rare.
constexpr unsigned max_passes = 64;

std::uint64_t word_at(const char* p) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    return word;
}

/// How many bytes are equal from the beginning on, at most n.
std::size_t common(const char* a, const char* b, std::size_t n) {
    std::size_t i = 0;
    for (; n - i >= 32; i += 32) {
        std::uint64_t differ = 0;
        for (std::size_t k = i; k < i + 32; k += 8) differ |= word_at(a + k) ^ word_at(b + k);
        if (differ != 0) break;
    }
    if constexpr (std::endian::native == std::endian::little) {
        for (; n - i >= 8; i += 8) {
            const std::uint64_t differ = word_at(a + i) ^ word_at(b + i);
            if (differ != 0) return i + static_cast<std::size_t>(std::countr_zero(differ)) / 8;
        }
    }
    while (i < n && a[i] == b[i]) ++i;
    return i;
}

}  // namespace

std::optional<std::size_t> entry_pattern::read(std::string_view bytes) {
    const auto size = entry_.empty() ? std::nullopt : compare(bytes);
    // Texts that go on and on are for who can take them piece by piece.
    if (size && (*size > 0 || bytes.size() < max_entry)) return size;
    if (passes_ > 0) {
        --passes_;
        return std::nullopt;
    }
    const bool taken = take_apart(bytes.substr(0, max_entry));
    misses_ = taken ? 0 : misses_ + 1;
    passes_ = std::min(misses_ / 4, max_passes);
    if (!taken) return std::nullopt;
    return entry_.size();
}

std::optional<std::size_t> entry_pattern::compare(std::string_view bytes) {
    std::size_t at = 0, in_entry = 0, next = 0;
    for (;;) {
        const std::size_t most = std::min(bytes.size() - at, entry_.size() - in_entry);
        const std::size_t same = common(bytes.data() + at, entry_.data() + in_entry, most);
        at += same;
        in_entry += same;
        // Texts that are as they were, with the '<' behind them.
        for (; next < leaves_.size() && leaves_[next].end < in_entry; ++next) {
            const leaf& l = leaves_[next];
            texts_[next] = {bytes.data() + at - (in_entry - l.begin), l.end - l.begin};
        }
        if (in_entry == entry_.size()) return at;
        if (at == bytes.size()) return 0;
        if (next == leaves_.size() || in_entry < leaves_[next].begin) return std::nullopt;
        const leaf& l = leaves_[next];
        const std::size_t begin = at - (in_entry - l.begin);
        while (at < bytes.size() && !ends_text(bytes[at])) ++at;
        if (at == bytes.size()) return 0;
        if (bytes[at] == '&') return std::nullopt;
        texts_[next] = bytes.substr(begin, at - begin);
        // The next entry is more like this one than like those before.
        if (at - begin == l.end - l.begin) {
            std::memcpy(entry_.data() + l.begin, bytes.data() + begin, at - begin);
        }
        in_entry = l.end;
        ++next;
    }
}

bool entry_pattern::take_apart(std::string_view bytes) {
    std::vector<leaf> leaves;
    std::vector<std::string_view> texts;
    place in = place::blob;
    for (std::size_t at = opening.size();;) {
        const std::string_view rest = bytes.substr(at);
        const std::string_view end = in == place::blob         ? closing
                                     : in == place::properties ? "</Properties>"
                                                               : "</Metadata>";
        if (rest.starts_with(end)) {
            at += end.size();
            if (in == place::blob) {
                entry_ = bytes.substr(0, at);
                leaves_.swap(leaves);
                texts_.swap(texts);
                return true;
            }
            in = place::blob;
            continue;
        }
        std::size_t n = 1;
        while (n < rest.size() && in_name(rest[n])) ++n;
        if (!rest.starts_with('<') || n == 1) return false;
        const std::string_view name = rest.substr(1, n - 1), behind = rest.substr(n);
        if (behind.starts_with(" />") || behind.starts_with("/>")) {
            // Says nothing, but for metadata and what stands in the entry itself.
            if (in == place::metadata || (in == place::blob && entry_field(name) != field::none))
                return false;
            at += n + (behind[0] == ' ' ? 3 : 2);
            continue;
        }
        if (!behind.starts_with('>')) return false;
        ++n;
        if (in == place::blob && (name == "Properties" || name == "Metadata")) {
            in = name == "Metadata" ? place::metadata : place::properties;
            at += n;
            continue;
        }
        const std::size_t begin = n;
        while (n < rest.size() && !ends_text(rest[n])) ++n;
        const std::string_view tail = rest.substr(n, name.size() + 3);
        if (!tail.starts_with("</") || !tail.ends_with('>') || tail.substr(2, name.size()) != name ||
            tail.size() < name.size() + 3 || leaves.size() == max_leaves) {
            return false;
        }
        leaf& l = leaves.emplace_back();
        l.what = field_of(in, name, wanted_);
        if (l.what == field::metadatum) l.key = name;
        l.begin = at + begin;
        l.end = at + n;
        texts.push_back(rest.substr(begin, n - begin));
        at += n + tail.size();
    }
}

}  // namespace act::blob
