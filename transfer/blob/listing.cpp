#include "transfer/blob/listing.hpp"

#include <cstring>
#include <optional>

#include "transfer/blob/listing_builder.hpp"

namespace act::blob {
namespace {

/// A tag, comment or CDATA section longer than this is no listing.
constexpr std::size_t max_token = 64 * 1024;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

/// Cuts the bytes into tokens. What a token needs beyond the bytes at hand waits for the next ones; the place
/// in the document is kept by the builder, so that a chunk may end anywhere.
struct listing_scanner::impl {
    impl(detail wanted, std::size_t expected) : builder(wanted, expected), pattern(wanted) {}

    // The bytes not looked at yet: [begin, end) of `memory`.
    std::unique_ptr<char[]> memory;
    std::size_t capacity = 0, begin = 0, end = 0;
    bool first_bytes = true;
    listing_builder builder;
    entry_pattern pattern;

    // Each takes one token, or as many as it can.
    enum class outcome { done, more, failed };
    outcome step();
    std::optional<outcome> alike_entries();
    outcome simple_leaves();
    outcome text_run(std::string_view bytes);
    outcome markup(std::string_view bytes);
    outcome start_tag(std::string_view bytes);
    outcome end_tag(std::string_view bytes);
    outcome fail(std::string_view why) {
        builder.fail(why);
        return outcome::failed;
    }
};

/// The fastest lane: entries like one before. Nothing when the next is not whole, or of another kind.
std::optional<listing_scanner::impl::outcome> listing_scanner::impl::alike_entries() {
    if (builder.where() != place::blobs) return std::nullopt;
    const std::size_t first = begin;
    for (;;) {
        const std::string_view bytes(memory.get() + begin, end - begin);
        const auto size = bytes.starts_with("<Blob>") ? pattern.read(bytes) : std::nullopt;
        if (size == 0) return outcome::more;
        if (!size) break;
        if (!builder.entry(pattern.leaves(), pattern.texts())) return outcome::failed;
        begin += *size;
    }
    if (begin == first) return std::nullopt;
    return outcome::done;
}

/// The fast lane, which takes nearly everything in other entries: runs of <Name>text</Name> and <Name/> that
/// are whole in memory and have no attributes. Stops, without harm, at whatever is not of that form, and says
/// `more` if there was none.
listing_scanner::impl::outcome listing_scanner::impl::simple_leaves() {
    if (!builder.takes_simple()) return outcome::more;
    const bool empty_says_nothing = builder.where() == place::properties;
    const char* const first = memory.get() + begin;
    const char* const last = memory.get() + end;
    const char* p = first;
    while (last - p > 3 && p[0] == '<' && in_name(p[1])) {
        const char* q = p + 2;
        while (q != last && in_name(*q)) ++q;
        if (last - q < 3) break;
        std::string_view name(p + 1, static_cast<std::size_t>(q - p - 1));
        if (*q == ' ') ++q;
        if (q[0] == '/' && q[1] == '>' && empty_says_nothing) {
            p = q + 2;
            continue;
        }
        if (*q != '>') break;
        const char* text_begin = q + 1;
        const char* less = text_begin;
        while (less != last && !ends_text(*less)) ++less;
        bool entities = less != last && *less == '&';
        if (entities) {
            less = static_cast<const char*>(std::memchr(less, '<', static_cast<std::size_t>(last - less)));
        }
        if (!less || less == last) break;
        const char* after = less + name.size() + 3;  // "</" name ">"
        if (last - less < static_cast<std::ptrdiff_t>(name.size() + 3) || less[1] != '/' ||
            after[-1] != '>' || std::memcmp(less + 2, name.data(), name.size()) != 0) {
            break;
        }
        std::string_view content(text_begin, static_cast<std::size_t>(less - text_begin));
        if (content.size() > max_token) break;
        if (!builder.simple(name, content, entities)) return outcome::failed;
        p = after;
    }
    begin += static_cast<std::size_t>(p - first);
    return p == first ? outcome::more : outcome::done;
}

listing_scanner::impl::outcome listing_scanner::impl::start_tag(std::string_view bytes) {
    auto close_at = bytes.find('>');
    if (close_at == bytes.npos) return outcome::more;
    auto inside = bytes.substr(1, close_at - 1);
    if (inside.find_first_of("\"'") != inside.npos) {
        // With attributes: a '>' may stand in a value.
        char quote = 0;
        std::size_t i = 1;
        for (; i < bytes.size(); ++i) {
            char c = bytes[i];
            if (quote) {
                if (c == quote) quote = 0;
            } else if (c == '"' || c == '\'') {
                quote = c;
            } else if (c == '>') {
                break;
            }
        }
        if (i == bytes.size()) return outcome::more;
        close_at = i;
        inside = bytes.substr(1, close_at - 1);
    }
    bool empty = inside.ends_with('/');
    if (empty) inside.remove_suffix(1);
    std::size_t n = 0;
    while (n < inside.size() && !is_space(inside[n])) ++n;
    auto name = inside.substr(0, n);
    if (name.empty() || name.find_first_of("<&\"'/=") != name.npos)
        return fail("a tag without a proper name");
    // As on the fast lane: an empty property says nothing.
    if (!empty || builder.where() != place::properties) {
        if (!builder.open(name, inside.substr(n))) return outcome::failed;
        if (empty && !builder.close(name)) return outcome::failed;
    }
    begin += close_at + 1;
    return outcome::done;
}

listing_scanner::impl::outcome listing_scanner::impl::end_tag(std::string_view bytes) {
    auto close_at = bytes.find('>');
    if (close_at == bytes.npos) return outcome::more;
    auto name = bytes.substr(2, close_at - 2);
    while (!name.empty() && is_space(name.back())) name.remove_suffix(1);
    if (!builder.close(name)) return outcome::failed;
    begin += close_at + 1;
    return outcome::done;
}

/// Comments, processing instructions, CDATA.
listing_scanner::impl::outcome listing_scanner::impl::markup(std::string_view bytes) {
    auto through = [&](std::string_view opening,
                       std::string_view closing) -> std::optional<std::string_view> {
        auto at = bytes.find(closing, opening.size());
        if (at == bytes.npos) return std::nullopt;
        begin += at + closing.size();
        return bytes.substr(opening.size(), at - opening.size());
    };
    constexpr std::string_view comment = "<!--", cdata = "<![CDATA[";
    if (bytes[1] == '?') return through("<?", "?>") ? outcome::done : outcome::more;
    if (bytes.starts_with(comment)) return through(comment, "-->") ? outcome::done : outcome::more;
    if (bytes.starts_with(cdata)) {
        auto inside = through(cdata, "]]>");
        if (!inside) return outcome::more;
        return builder.cdata(*inside) ? outcome::done : outcome::failed;
    }
    if (comment.starts_with(bytes) || cdata.starts_with(bytes)) return outcome::more;
    return fail("a document type declaration");
}

listing_scanner::impl::outcome listing_scanner::impl::text_run(std::string_view bytes) {
    auto run = bytes.substr(0, bytes.find('<'));
    if (run.size() == bytes.size()) {
        // An entity may be cut in two.
        auto amp = run.rfind('&');
        if (amp != run.npos && run.size() - amp < 12 && run.find(';', amp) == run.npos)
            run = run.substr(0, amp);
        if (run.empty()) return outcome::more;
    }
    if (!builder.text(run)) return outcome::failed;
    begin += run.size();
    return outcome::done;
}

listing_scanner::impl::outcome listing_scanner::impl::step() {
    std::string_view bytes(memory.get() + begin, end - begin);
    if (bytes.empty()) return outcome::more;
    if (first_bytes) {
        constexpr std::string_view mark = "\xEF\xBB\xBF";
        if (bytes.size() < mark.size() && mark.starts_with(bytes)) return outcome::more;
        if (bytes.starts_with(mark)) begin += mark.size();
        first_bytes = false;
        return outcome::done;
    }
    if (const auto alike = alike_entries()) return *alike;
    auto out = simple_leaves();
    if (out != outcome::more) return out;
    if (bytes[0] != '<') {
        out = text_run(bytes);
    } else if (bytes.size() > 1) {
        if (bytes[1] == '/') {
            out = end_tag(bytes);
        } else if (bytes[1] == '!' || bytes[1] == '?') {
            out = markup(bytes);
        } else {
            out = start_tag(bytes);
        }
    }
    if (out == outcome::more && bytes.size() > max_token) return fail("an endless tag");
    return out;
}

listing_scanner::listing_scanner(detail wanted, std::size_t expected)
    : impl_(std::make_unique<impl>(wanted, expected)) {}
listing_scanner::~listing_scanner() = default;
listing_scanner::listing_scanner(listing_scanner&&) noexcept = default;
listing_scanner& listing_scanner::operator=(listing_scanner&&) noexcept = default;

std::span<std::byte> listing_scanner::prepare(std::size_t size) {
    auto& s = *impl_;
    auto left = s.end - s.begin;
    if (s.capacity - s.end < size) {
        if (s.capacity - left < size) {
            auto larger = std::max(s.capacity * 2, left + size);
            std::unique_ptr<char[]> memory(new char[larger]);
            if (left) std::memcpy(memory.get(), s.memory.get() + s.begin, left);
            s.memory = std::move(memory);
            s.capacity = larger;
        } else if (left) {
            std::memmove(s.memory.get(), s.memory.get() + s.begin, left);
        }
        s.begin = 0;
        s.end = left;
    }
    return std::as_writable_bytes(std::span(s.memory.get() + s.end, s.capacity - s.end));
}

result<void> listing_scanner::commit(std::size_t count) {
    auto& s = *impl_;
    s.end += count;
    while (!s.builder.failure && s.step() == impl::outcome::done) {
    }
    if (s.builder.failure) return *s.builder.failure;
    if (s.begin == s.end) s.begin = s.end = 0;
    return {};
}

result<void> listing_scanner::feed(std::string_view chunk) {
    // In pieces, so that the memory stays small whatever comes.
    constexpr std::size_t piece = 256 * 1024;
    while (!chunk.empty()) {
        auto now = chunk.substr(0, piece);
        std::memcpy(prepare(now.size()).data(), now.data(), now.size());
        ACT_TRY_VOID(commit(now.size()));
        chunk.remove_prefix(now.size());
    }
    return {};
}

result<void> listing_scanner::finish() {
    auto& s = *impl_;
    if (!s.builder.failure && (!s.builder.ended() || s.begin != s.end)) s.fail("it is cut short");
    if (s.builder.failure) return *s.builder.failure;
    return {};
}

std::vector<properties>& listing_scanner::items() { return impl_->builder.items; }
const std::string& listing_scanner::next_marker() const { return impl_->builder.marker; }

}  // namespace act::blob
