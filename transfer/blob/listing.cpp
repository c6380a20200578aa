#include "transfer/blob/listing.hpp"

#include <array>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "engine/core/uri.hpp"
#include "transfer/blob/listing_fields.hpp"
#include "transfer/blob/xml.hpp"

namespace act::blob {
namespace {

/// A tag, comment or CDATA section longer than this is no listing; neither is text, or a nesting, beyond the
/// others.
constexpr std::size_t max_token = 64 * 1024;
constexpr std::size_t max_text = 1024 * 1024;
constexpr std::size_t max_depth = 64;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
/// What a byte can be on the fast lane.
enum : std::uint8_t { in_name = 1, ends_text = 2 };
constexpr std::array<std::uint8_t, 256> classes = [] {
    std::array<std::uint8_t, 256> t{};
    for (char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")) {
        t[static_cast<unsigned char>(c)] = in_name;
    }
    t['<'] = t['&'] = ends_text;
    return t;
}();
bool is_a(std::uint8_t what, char c) { return classes[static_cast<unsigned char>(c)] == what; }

/// The elements that mean something, by where they stand; `skip` is everything else, with all that is in it.
enum class place : std::uint8_t {
    results,
    blobs,
    blob,
    properties,
    metadata,
    tags,
    tag_set,
    tag,
    leaf,
    skip
};

}  // namespace

/// Reads token by token. What a token needs beyond the bytes at hand waits for the next ones; the place in
/// the document is kept in `stack`, so that a chunk may end anywhere.
struct listing_scanner::impl {
    // The bytes not looked at yet: [begin, end) of `memory`.
    std::unique_ptr<char[]> memory;
    std::size_t capacity = 0, begin = 0, end = 0;

    struct level {
        place at;
        field what;               // for place::leaf
        std::uint32_t name_size;  // of `names`, at its end
    };
    std::vector<level> stack;
    std::string names;  // of the open elements, to be compared with the end tags
    bool started = false, ended = false, first_bytes = true;

    std::string text;  // of the open leaf, decoded
    std::string key;   // of a metadatum or tag
    std::string value;
    properties entry;
    bool sized = false, encoded_name = false;
    date_memo modified_memo, created_memo;

    std::vector<properties> items;
    std::string marker;
    std::optional<error> failure;

    std::string_view rest() const { return {memory.get() + begin, end - begin}; }

    bool fail(std::string_view why) {
        failure = error(kind::protocol, fmt::format("the listing is malformed: {}", why),
                        "Check the endpoint: something else than the Blob service may have answered.");
        return false;
    }

    // Each step takes one token: 1 done, 0 needs more bytes, -1 failed.
    int step();
    int text_run(std::string_view bytes);
    int markup(std::string_view bytes);
    int start_tag(std::string_view bytes);
    int end_tag(std::string_view bytes);

    bool open(std::string_view name, std::string_view attributes);
    bool close(std::string_view name);
    void push(place at, std::string_view name, field what = field::none);
    bool assign(field what, std::string_view content);
    bool finish_entry();
    int simple_leaves();
};

void listing_scanner::impl::push(place at, std::string_view name, field what) {
    stack.push_back({at, what, static_cast<std::uint32_t>(name.size())});
    names.append(name);
    if (at == place::leaf) text.clear();
}

bool listing_scanner::impl::open(std::string_view name, std::string_view attributes) {
    if (stack.size() >= max_depth) return fail("nested too deeply");
    if (stack.empty()) {
        if (started) return fail("a second root element");
        if (name != "EnumerationResults") return fail(fmt::format("it is a <{}>", name.substr(0, 60)));
        started = true;
        push(place::results, name);
        return true;
    }
    switch (stack.back().at) {
        case place::results:
            if (name == "Blobs") return push(place::blobs, name), true;
            if (name == "NextMarker") return push(place::leaf, name, field::next_marker), true;
            break;
        case place::blobs:
            if (name == "Blob" || name == "BlobPrefix") {
                entry.is_prefix = name == "BlobPrefix";
                sized = encoded_name = false;
                return push(place::blob, name), true;
            }
            break;
        case place::blob:
            if (name == "Properties") return push(place::properties, name), true;
            if (name == "Metadata") return push(place::metadata, name), true;
            if (name == "Tags") return push(place::tags, name), true;
            if (auto f = entry_field(name); f != field::none) {
                if (f == field::name) encoded_name = attributes.find("Encoded=\"true\"") != attributes.npos;
                return push(place::leaf, name, f), true;
            }
            break;
        case place::properties:
            if (auto f = property_field(name); f != field::none) return push(place::leaf, name, f), true;
            break;
        case place::metadata:
            if (name == "x-ms-invalid-name") break;
            key.assign(name);
            return push(place::leaf, name, field::metadatum), true;
        case place::tags:
            if (name == "TagSet") return push(place::tag_set, name), true;
            break;
        case place::tag_set:
            if (name == "Tag") return key.clear(), value.clear(), push(place::tag, name), true;
            break;
        case place::tag:
            if (name == "Key") return push(place::leaf, name, field::tag_key), true;
            if (name == "Value") return push(place::leaf, name, field::tag_value), true;
            break;
        case place::leaf:
        case place::skip:
            break;
    }
    push(place::skip, name);
    return true;
}

bool listing_scanner::impl::close(std::string_view name) {
    if (stack.empty()) return fail(fmt::format("</{}> closes nothing", name.substr(0, 60)));
    auto top = stack.back();
    if (name.size() != top.name_size || !names.ends_with(name)) {
        return fail(fmt::format("</{}> closes another element", name.substr(0, 60)));
    }
    stack.pop_back();
    names.resize(names.size() - name.size());
    if (top.at == place::leaf) return assign(top.what, text);
    if (top.at == place::blob) return finish_entry();
    if (top.at == place::tag) entry.tags[key] = value;
    ended = stack.empty();
    return true;
}

bool listing_scanner::impl::assign(field what, std::string_view s) {
    switch (what) {
        case field::next_marker:
            marker = s;
            return true;
        case field::metadatum: {
            for (char& c : key) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            entry.metadata[key] = s;
            return true;
        }
        case field::tag_key:
            key = s;
            return true;
        case field::tag_value:
            value = s;
            return true;
        case field::name:
            if (encoded_name) {
                auto decoded = decode_component(s);
                if (!decoded) return fail("an encoded name does not decode");
                entry.name = std::move(*decoded);
            } else {
                entry.name = s;
            }
            return true;
        case field::content_length: {
            auto [at, ec] = std::from_chars(s.data(), s.data() + s.size(), entry.size);
            if (ec != std::errc() || at != s.data() + s.size()) return fail("a Content-Length is no number");
            sized = true;
            return true;
        }
        case field::last_modified:
            if (s.empty()) return true;
            return modified_memo.parse(s, entry.modified) || fail("a Last-Modified does not parse");
        case field::creation_time: {
            wall_time created;
            if (created_memo.parse(s, created)) entry.created = created;
            return true;
        }
        default:
            assign_text(entry, what, s);
            return true;
    }
}

bool listing_scanner::impl::finish_entry() {
    if (entry.name.empty()) return fail("an entry without a name");
    if (!entry.is_prefix) {
        if (!sized && !entry.is_directory) return fail(fmt::format("'{}' has no Content-Length", entry.name));
        entry.uncommitted = entry.etag.empty();
        if (!entry.metadata.empty()) {
            auto folder = entry.metadata.find("hdi_isfolder");
            if (folder != entry.metadata.end() && (folder->second == "true" || folder->second == "True")) {
                entry.is_directory = true;
            }
        }
    }
    items.push_back(std::move(entry));
    // Cheaper than the assignment of an empty one.
    std::destroy_at(&entry);
    std::construct_at(&entry);
    return true;
}

/// The fast lane, which takes nearly everything in a blob: runs of <Name>text</Name> and <Name/> that are
/// whole in memory and have no attributes. Stops, without harm, at whatever is not of that form. 1: took
/// some; 0: none; -1: failed.
int listing_scanner::impl::simple_leaves() {
    if (stack.empty()) return 0;
    auto at = stack.back().at;
    if (at != place::properties && at != place::blob && at != place::metadata) return 0;
    const char* const first = memory.get() + begin;
    const char* const last = memory.get() + end;
    const char* p = first;
    while (last - p > 3 && p[0] == '<' && is_a(in_name, p[1])) {
        const char* q = p + 2;
        while (q != last && is_a(in_name, *q)) ++q;
        if (last - q < 3) break;
        std::string_view name(p + 1, static_cast<std::size_t>(q - p - 1));
        if (*q == ' ') ++q;
        if (q[0] == '/' && q[1] == '>' && at == place::properties) {
            p = q + 2;  // an empty property says nothing
            continue;
        }
        if (*q != '>') break;
        const char* text_begin = q + 1;
        const char* less = text_begin;
        while (less != last && !is_a(ends_text, *less)) ++less;
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
        auto what = at == place::properties ? property_field(name)
                    : at == place::blob     ? entry_field(name)
                                            : field::metadatum;
        if (at == place::metadata) {
            if (name == "x-ms-invalid-name") what = field::none;
            key.assign(name);
        }
        if (entities) {
            text.clear();
            if (!xml::unescape(text, content)) return fail("unknown entity"), -1;
            content = text;
        }
        if (what == field::name) encoded_name = false;
        if (what != field::none && !assign(what, content)) return -1;
        p = after;
    }
    begin += static_cast<std::size_t>(p - first);
    return p == first ? 0 : 1;
}

int listing_scanner::impl::start_tag(std::string_view bytes) {
    auto close_at = bytes.find('>');
    if (close_at == bytes.npos) return 0;
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
        if (i == bytes.size()) return 0;
        close_at = i;
        inside = bytes.substr(1, close_at - 1);
    }
    bool empty = inside.ends_with('/');
    if (empty) inside.remove_suffix(1);
    std::size_t n = 0;
    while (n < inside.size() && !is_space(inside[n])) ++n;
    auto name = inside.substr(0, n);
    if (name.empty() || name.find_first_of("<&\"'/=") != name.npos)
        return fail("a tag without a proper name"), -1;
    if (!open(name, inside.substr(n))) return -1;
    begin += close_at + 1;
    if (empty) return close(name) ? 1 : -1;
    return 1;
}

int listing_scanner::impl::end_tag(std::string_view bytes) {
    auto close_at = bytes.find('>');
    if (close_at == bytes.npos) return 0;
    auto name = bytes.substr(2, close_at - 2);
    while (!name.empty() && is_space(name.back())) name.remove_suffix(1);
    if (!close(name)) return -1;
    begin += close_at + 1;
    return 1;
}

/// Comments, processing instructions, CDATA.
int listing_scanner::impl::markup(std::string_view bytes) {
    auto through = [&](std::string_view opening,
                       std::string_view closing) -> std::optional<std::string_view> {
        auto at = bytes.find(closing, opening.size());
        if (at == bytes.npos) return std::nullopt;
        begin += at + closing.size();
        return bytes.substr(opening.size(), at - opening.size());
    };
    constexpr std::string_view comment = "<!--", cdata = "<![CDATA[";
    if (bytes[1] == '?') return through("<?", "?>") ? 1 : 0;
    if (bytes.starts_with(comment)) return through(comment, "-->") ? 1 : 0;
    if (bytes.starts_with(cdata)) {
        if (stack.empty()) return fail("CDATA outside of the root element"), -1;
        auto inside = through(cdata, "]]>");
        if (!inside) return 0;
        if (stack.back().at == place::leaf) text.append(*inside);
        return text.size() > max_text ? (fail("an endless text"), -1) : 1;
    }
    if (comment.starts_with(bytes) || cdata.starts_with(bytes)) return 0;
    return fail("a document type declaration"), -1;
}

int listing_scanner::impl::text_run(std::string_view bytes) {
    auto run = bytes.substr(0, bytes.find('<'));
    if (stack.empty()) {
        for (char c : run) {
            if (!is_space(c)) return fail("text outside of the root element"), -1;
        }
    } else if (stack.back().at == place::leaf) {
        if (run.size() == bytes.size()) {
            // An entity may be cut in two.
            auto amp = run.rfind('&');
            if (amp != run.npos && run.size() - amp < 12 && run.find(';', amp) == run.npos) {
                run = run.substr(0, amp);
                if (run.empty()) return 0;
            }
        }
        if (!xml::unescape(text, run)) return fail("unknown entity"), -1;
        if (text.size() > max_text) return fail("an endless text"), -1;
    }
    begin += run.size();
    return 1;
}

int listing_scanner::impl::step() {
    auto bytes = rest();
    if (bytes.empty()) return 0;
    if (first_bytes) {
        constexpr std::string_view mark = "\xEF\xBB\xBF";
        if (bytes.size() < mark.size() && mark.starts_with(bytes)) return 0;
        if (bytes.starts_with(mark)) begin += mark.size();
        first_bytes = false;
        return 1;
    }
    int done = simple_leaves();
    if (done != 0) return done;
    if (bytes[0] != '<') {
        done = text_run(bytes);
    } else if (bytes.size() > 1) {
        if (bytes[1] == '/') {
            done = end_tag(bytes);
        } else if (bytes[1] == '!' || bytes[1] == '?') {
            done = markup(bytes);
        } else {
            done = start_tag(bytes);
        }
    }
    if (done == 0 && bytes.size() > max_token) return fail("an endless tag"), -1;
    return done;
}

listing_scanner::listing_scanner() : impl_(std::make_unique<impl>()) {}
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
    while (!s.failure && s.step() > 0) {
    }
    if (s.failure) return *s.failure;
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
    if (s.failure) return *s.failure;
    if (!s.ended || s.begin != s.end) s.fail("it is cut short");
    if (s.failure) return *s.failure;
    return {};
}

std::vector<properties>& listing_scanner::items() { return impl_->items; }
const std::string& listing_scanner::next_marker() const { return impl_->marker; }

}  // namespace act::blob
