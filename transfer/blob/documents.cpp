#include "transfer/blob/documents.hpp"

#include <charconv>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "engine/core/uri.hpp"
#include "transfer/blob/xml.hpp"

namespace act::blob {
namespace {

error wrong(std::string_view document, std::string_view why) {
    return error(kind::protocol, fmt::format("{}: {}", document, why));
}

/// Steps to the root element, which must be `name`.
result<void> enter(xml::reader& r, std::string_view name) {
    ACT_TRY(bool any, xml::next_child(r));
    if (!any || r.name() != name) return wrong(name, "the answer is another document");
    return {};
}

/// To the very end: a document that is cut short is no document.
result<void> leave(xml::reader& r) {
    ACT_TRY(bool more, xml::next_child(r));
    if (more) return wrong("document", "there is something behind its end");
    return {};
}

result<void> read_blocks(xml::reader& r, std::vector<block_entry>& out) {
    for (;;) {
        ACT_TRY(bool more, xml::next_child(r));
        if (!more) return {};
        if (r.name() != "Block") {
            ACT_TRY_VOID(r.skip());
            continue;
        }
        block_entry entry;
        bool sized = false;
        for (;;) {
            ACT_TRY(bool field, xml::next_child(r));
            if (!field) break;
            bool name = r.name() == "Name", size = r.name() == "Size";
            ACT_TRY(auto text, r.content());
            if (name) entry.id = std::move(text);
            if (size) {
                auto end = text.data() + text.size();
                auto [at, ec] = std::from_chars(text.data(), end, entry.size);
                if (ec != std::errc() || at != end) return wrong("block list", "a block's size is no number");
                sized = true;
            }
        }
        if (entry.id.empty() || !sized) return wrong("block list", "a block without name or size");
        out.push_back(std::move(entry));
    }
}

void write_blocks(xml::writer& w, std::string_view name, const std::vector<block_entry>& blocks) {
    w.open(name);
    for (const auto& b : blocks) w.open("Block").element("Name", b.id).element("Size", b.size).close();
    w.close();
}

result<std::uint64_t> read_number(std::string_view document, std::string_view text) {
    std::uint64_t value = 0;
    const auto end = text.data() + text.size();
    auto [at, ec] = std::from_chars(text.data(), end, value);
    if (ec != std::errc() || at != end) return wrong(document, "something that should be a number is none");
    return value;
}

/// <Start> and <End>, which is the last byte.
result<range> read_page_range(xml::reader& r) {
    constexpr std::string_view document = "page list";
    std::optional<std::uint64_t> first, last;
    for (;;) {
        ACT_TRY(bool field, xml::next_child(r));
        if (!field) break;
        const bool start = r.name() == "Start", end = r.name() == "End";
        ACT_TRY(auto text, r.content());
        if (!start && !end) continue;
        ACT_TRY(const auto value, read_number(document, text));
        (start ? first : last) = value;
    }
    if (!first || !last || *last < *first || *last == UINT64_MAX) return wrong(document, "a range is none");
    return range{*first, *last - *first + 1};
}

result<void> read_tag(xml::reader& r, tags& out) {
    std::string key, value;
    for (;;) {
        ACT_TRY(bool field, xml::next_child(r));
        if (!field) break;
        bool is_key = r.name() == "Key", is_value = r.name() == "Value";
        ACT_TRY(auto text, r.content());
        if (is_key) key = std::move(text);
        if (is_value) value = std::move(text);
    }
    if (key.empty()) return wrong("tags", "a tag without a key");
    out[std::move(key)] = std::move(value);
    return {};
}

result<void> read_container(xml::reader& r, container_entry& out) {
    for (;;) {
        ACT_TRY(bool field, xml::next_child(r));
        if (!field) break;
        auto name = r.name();
        if (name == "Name") {
            ACT_TRY(out.name, r.content());
        } else if (name == "Metadata" || name == "Properties") {
            bool properties = name == "Properties";
            for (;;) {
                ACT_TRY(bool child, xml::next_child(r));
                if (!child) break;
                std::string key(r.name());
                ACT_TRY(auto text, r.content());
                if (!properties) {
                    for (char& c : key) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
                    out.metadata[std::move(key)] = std::move(text);
                } else if (key == "Last-Modified") {
                    auto date = parse_http_date(text);
                    if (!date) return wrong("list of containers", "a date does not parse");
                    out.modified = *date;
                } else if (key == "Etag") {
                    out.etag = etag::from_listing(text);
                } else if (key == "LeaseStatus") {
                    out.lease_status = std::move(text);
                } else if (key == "LeaseState") {
                    out.lease_state = std::move(text);
                }
            }
        } else {
            ACT_TRY_VOID(r.skip());
        }
    }
    if (out.name.empty()) return wrong("list of containers", "a container without a name");
    return {};
}

bool tag_text(std::string_view text) {
    for (char c : text) {
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == 0 || !std::strchr(" +-./:=_", c))) return false;
    }
    return true;
}

}  // namespace

etag etag::from_listing(std::string_view text) {
    if (text.empty() || text.front() == '"' || text.starts_with("W/")) return {std::string(text)};
    std::string quoted;
    quoted.reserve(text.size() + 2);
    quoted.append("\"").append(text).append("\"");
    return {std::move(quoted)};
}

std::string write_block_references(std::span<const std::string> ids) {
    xml::writer w(64 + ids.size() * 80);
    w.open("BlockList");
    for (const auto& id : ids) w.element("Latest", id);
    return w.take();
}

result<std::vector<block_reference>> read_block_references(std::string_view document) {
    xml::reader r(document);
    ACT_TRY_VOID(enter(r, "BlockList"));
    std::vector<block_reference> out;
    for (;;) {
        ACT_TRY(bool more, xml::next_child(r));
        if (!more) break;
        block_reference b;
        if (r.name() == "Latest") {
            b.source = block_source::latest;
        } else if (r.name() == "Committed") {
            b.source = block_source::committed;
        } else if (r.name() == "Uncommitted") {
            b.source = block_source::uncommitted;
        } else {
            return wrong("block list", fmt::format("<{}> is not known", r.name()));
        }
        ACT_TRY(b.id, r.content());
        if (out.size() == max_blocks) {
            return error(kind::usage, fmt::format("the block list has more than {} blocks", max_blocks))
                .with_service("BlockListTooLong", 400, "");
        }
        out.push_back(std::move(b));
    }
    ACT_TRY_VOID(leave(r));
    return out;
}

std::string write_block_list(const block_list& list, bool committed, bool uncommitted) {
    xml::writer w(128 + (list.committed.size() + list.uncommitted.size()) * 110);
    w.open("BlockList");
    if (committed) write_blocks(w, "CommittedBlocks", list.committed);
    if (uncommitted) write_blocks(w, "UncommittedBlocks", list.uncommitted);
    return w.take();
}

result<block_list> read_block_list(std::string_view document) {
    xml::reader r(document);
    ACT_TRY_VOID(enter(r, "BlockList"));
    block_list out;
    for (;;) {
        ACT_TRY(bool more, xml::next_child(r));
        if (!more) break;
        if (r.name() == "CommittedBlocks") {
            ACT_TRY_VOID(read_blocks(r, out.committed));
        } else if (r.name() == "UncommittedBlocks") {
            ACT_TRY_VOID(read_blocks(r, out.uncommitted));
        } else {
            ACT_TRY_VOID(r.skip());
        }
    }
    ACT_TRY_VOID(leave(r));
    return out;
}

result<page_list> read_page_list(std::string_view document) {
    xml::reader r(document);
    ACT_TRY_VOID(enter(r, "PageList"));
    page_list out;
    for (;;) {
        ACT_TRY(bool more, xml::next_child(r));
        if (!more) break;
        if (r.name() == "NextMarker") {
            ACT_TRY(out.next_marker, r.content());
        } else if (r.name() == "PageRange") {
            ACT_TRY(const range next, read_page_range(r));
            if (!out.ranges.empty()) {
                range& last = out.ranges.back();
                const std::uint64_t end = last.offset + last.length;
                if (next.offset < end) return wrong("page list", "its ranges are not in order");
                if (next.offset == end) {
                    last.length += next.length;
                    continue;
                }
            }
            out.ranges.push_back(next);
        } else {
            ACT_TRY_VOID(r.skip());
        }
    }
    ACT_TRY_VOID(leave(r));
    return out;
}

std::string write_tags(const tags& t) {
    xml::writer w;
    w.open("Tags").open("TagSet");
    for (const auto& [key, value] : t) w.open("Tag").element("Key", key).element("Value", value).close();
    return w.take();
}

result<tags> read_tags(std::string_view document) {
    xml::reader r(document);
    ACT_TRY_VOID(enter(r, "Tags"));
    tags out;
    for (;;) {
        ACT_TRY(bool set, xml::next_child(r));
        if (!set) break;
        if (r.name() != "TagSet") {
            ACT_TRY_VOID(r.skip());
            continue;
        }
        for (;;) {
            ACT_TRY(bool tag, xml::next_child(r));
            if (!tag) break;
            if (r.name() == "Tag") {
                ACT_TRY_VOID(read_tag(r, out));
            } else {
                ACT_TRY_VOID(r.skip());
            }
        }
    }
    ACT_TRY_VOID(leave(r));
    return out;
}

namespace {

result<std::uint32_t> read_retention(xml::reader& r) {
    bool enabled = false;
    std::uint32_t days = 0;
    for (;;) {
        ACT_TRY(bool more, xml::next_child(r));
        if (!more) break;
        const std::string name(r.name());
        ACT_TRY(const std::string text, r.content());
        if (name == "Enabled") enabled = text == "true";
        if (name != "Days") continue;
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), days);
        if (problem != std::errc() || end != text.data() + text.size() || days < 1 || days > 365)
            return wrong("StorageServiceProperties", "the days of its DeleteRetentionPolicy are none");
    }
    if (enabled && days == 0)
        return wrong("StorageServiceProperties", "its DeleteRetentionPolicy tells no days");
    return enabled ? days : 0;
}

}  // namespace

result<std::optional<std::uint32_t>> read_soft_delete(std::string_view document) {
    xml::reader r(document);
    ACT_TRY_VOID(enter(r, "StorageServiceProperties"));
    std::optional<std::uint32_t> days;
    for (;;) {
        ACT_TRY(bool more, xml::next_child(r));
        if (!more) break;
        if (r.name() == "DeleteRetentionPolicy") {
            ACT_TRY(days, read_retention(r));
        } else {
            ACT_TRY_VOID(r.skip());
        }
    }
    ACT_TRY_VOID(leave(r));
    return days;
}

std::string tags_header(const tags& t) {
    std::string out;
    for (const auto& [key, value] : t) {
        if (!out.empty()) out.push_back('&');
        out.append(encode_component(key)).append("=").append(encode_component(value));
    }
    return out;
}

result<void> check_tags(const tags& t) {
    auto advice = "Use at most 10 tags of letters, digits, spaces and + - . / : = _";
    if (t.size() > 10) return error(kind::usage, fmt::format("{} tags: the limit is 10", t.size()), advice);
    for (const auto& [key, value] : t) {
        if (key.empty() || key.size() > 128 || value.size() > 256) {
            return error(kind::usage,
                         fmt::format("tag '{}': a key has 1 to 128 characters, a value up to 256", key),
                         advice);
        }
        if (!tag_text(key) || !tag_text(value)) {
            return error(kind::usage, fmt::format("tag '{}': it holds a character that is not allowed", key),
                         advice);
        }
    }
    return {};
}

result<container_page> read_containers(std::string_view document) {
    xml::reader r(document);
    ACT_TRY_VOID(enter(r, "EnumerationResults"));
    container_page out;
    for (;;) {
        ACT_TRY(bool more, xml::next_child(r));
        if (!more) break;
        if (r.name() == "NextMarker") {
            ACT_TRY(out.next_marker, r.content());
        } else if (r.name() == "Containers") {
            for (;;) {
                ACT_TRY(bool child, xml::next_child(r));
                if (!child) break;
                if (r.name() != "Container") {
                    ACT_TRY_VOID(r.skip());
                    continue;
                }
                container_entry entry;
                ACT_TRY_VOID(read_container(r, entry));
                out.items.push_back(std::move(entry));
            }
        } else {
            ACT_TRY_VOID(r.skip());
        }
    }
    ACT_TRY_VOID(leave(r));
    return out;
}

}  // namespace act::blob
