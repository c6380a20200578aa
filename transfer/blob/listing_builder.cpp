#include "transfer/blob/listing_builder.hpp"

#include <charconv>
#include <memory>

#include <fmt/format.h>

#include "engine/core/uri.hpp"
#include "transfer/blob/xml.hpp"

namespace act::blob {
namespace {

/// No listing nests deeper, or has longer texts.
constexpr std::size_t max_depth = 64;
constexpr std::size_t max_text = 1024 * 1024;

bool says_encoded(std::string_view attributes) {
    return attributes.find("Encoded=\"true\"") != attributes.npos ||
           attributes.find("Encoded='true'") != attributes.npos;
}

}  // namespace

bool listing_builder::fail(std::string_view why) {
    failure = error(kind::protocol, fmt::format("the listing is malformed: {}", why),
                    "Check the endpoint: something else than the Blob service may have answered.");
    return false;
}

std::optional<place> listing_builder::where() const {
    if (stack_.empty()) return std::nullopt;
    return stack_.back().at;
}

bool listing_builder::takes_simple() const {
    if (stack_.empty()) return false;
    auto at = stack_.back().at;
    return at == place::properties || at == place::blob || at == place::metadata;
}

bool listing_builder::text(std::string_view raw) {
    if (stack_.empty()) {
        if (raw.find_first_not_of(" \t\r\n") != raw.npos) return fail("text outside of the root element");
        return true;
    }
    if (stack_.back().at != place::leaf) return true;
    if (!xml::unescape(text_, raw)) return fail("unknown entity");
    return text_.size() <= max_text || fail("an endless text");
}

bool listing_builder::cdata(std::string_view content) {
    if (stack_.empty()) return fail("CDATA outside of the root element");
    if (stack_.back().at != place::leaf) return true;
    text_.append(content);
    return text_.size() <= max_text || fail("an endless text");
}

bool listing_builder::simple(std::string_view name, std::string_view raw, bool entities) {
    const field what = field_of(stack_.back().at, name, wanted_);
    if (what == field::none) return true;
    if (what == field::metadatum) key_.assign(name);
    if (entities) {
        text_.clear();
        if (!xml::unescape(text_, raw)) return fail("unknown entity");
        raw = text_;
    }
    if (what == field::name) encoded_name_ = false;
    return assign(entry_, what, raw);
}

bool listing_builder::entry(std::span<const entry_pattern::leaf> leaves,
                            std::span<const std::string_view> texts) {
    make_room();
    properties& to = items.emplace_back();
    begin_entry(to, false);
    bool good = true;
    for (std::size_t i = 0; i < leaves.size() && good; ++i) {
        if (leaves[i].what == field::none) continue;
        if (leaves[i].what == field::metadatum) key_ = leaves[i].key;
        good = assign(to, leaves[i].what, texts[i]);
    }
    if (good && finish_entry(to)) return true;
    items.pop_back();
    return false;
}

void listing_builder::push(place at, std::string_view name, field what) {
    stack_.push_back({at, what, static_cast<std::uint32_t>(name.size())});
    names_.append(name);
    if (at == place::leaf) text_.clear();
}

bool listing_builder::open(std::string_view name, std::string_view attributes) {
    if (stack_.size() >= max_depth) return fail("nested too deeply");
    if (stack_.empty()) {
        if (started_) return fail("a second root element");
        if (name != "EnumerationResults") return fail(fmt::format("it is a <{}>", name.substr(0, 60)));
        started_ = true;
        push(place::results, name);
        return true;
    }
    switch (stack_.back().at) {
        case place::results:
            if (name == "Blobs") return push(place::blobs, name), true;
            if (name == "NextMarker") return push(place::leaf, name, field::next_marker), true;
            break;
        case place::blobs:
            if (name == "Blob" || name == "BlobPrefix") {
                begin_entry(entry_, name == "BlobPrefix");
                return push(place::blob, name), true;
            }
            break;
        case place::blob:
            if (name == "Properties") return push(place::properties, name), true;
            if (name == "Metadata") return push(place::metadata, name), true;
            if (name == "Tags") return push(place::tags, name), true;
            if (auto f = entry_field(name); f != field::none) {
                if (f == field::name) encoded_name_ = says_encoded(attributes);
                return push(place::leaf, name, f), true;
            }
            break;
        case place::properties:
        case place::metadata:
            if (auto f = field_of(stack_.back().at, name, wanted_); f != field::none) {
                if (f == field::metadatum) key_.assign(name);
                return push(place::leaf, name, f), true;
            }
            break;
        case place::tags:
            if (name == "TagSet") return push(place::tag_set, name), true;
            break;
        case place::tag_set:
            if (name == "Tag") return key_.clear(), value_.clear(), push(place::tag, name), true;
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

bool listing_builder::close(std::string_view name) {
    if (stack_.empty()) return fail(fmt::format("</{}> closes nothing", name.substr(0, 60)));
    auto top = stack_.back();
    if (name.size() != top.name_size || !names_.ends_with(name)) {
        return fail(fmt::format("</{}> closes another element", name.substr(0, 60)));
    }
    stack_.pop_back();
    names_.resize(names_.size() - name.size());
    if (top.at == place::leaf) return assign(entry_, top.what, text_);
    if (top.at == place::blob) {
        if (!finish_entry(entry_)) return false;
        make_room();
        items.push_back(std::move(entry_));
        // Cheaper than the assignment of an empty one.
        std::destroy_at(&entry_);
        std::construct_at(&entry_);
        return true;
    }
    if (top.at == place::tag && wanted_ == detail::full) entry_.tags[key_] = value_;
    ended_ = stack_.empty();
    return true;
}

void listing_builder::begin_entry(properties& to, bool prefix) {
    to.is_prefix = prefix;
    sized_ = encoded_name_ = tagged_ = folder_ = false;
}

bool listing_builder::assign(properties& to, field what, std::string_view s) {
    switch (what) {
        case field::next_marker:
            marker = s;
            return true;
        case field::metadatum: {
            for (char& c : key_) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            if (key_ == "hdi_isfolder") folder_ = s == "true" || s == "True";
            if (wanted_ == detail::full) to.metadata[key_] = s;
            return true;
        }
        case field::tag_key:
            key_ = s;
            return true;
        case field::tag_value:
            value_ = s;
            return true;
        case field::name:
            if (encoded_name_) {
                auto decoded = decode_component(s);
                if (!decoded) return fail("an encoded name does not decode");
                to.name = std::move(*decoded);
            } else {
                to.name = s;
            }
            return true;
        case field::content_length: {
            if (s.empty()) return true;
            auto [at, ec] = std::from_chars(s.data(), s.data() + s.size(), to.size);
            if (ec != std::errc() || at != s.data() + s.size()) return fail("a Content-Length is no number");
            sized_ = true;
            return true;
        }
        case field::last_modified:
            if (s.empty()) return true;
            return modified_memo_.parse(s, to.modified) || fail("a Last-Modified does not parse");
        case field::creation_time: {
            wall_time created;
            if (created_memo_.parse(s, created)) to.created = created;
            return true;
        }
        case field::etag:
            tagged_ = !s.empty();
            if (wanted_ != detail::brief) to.etag = etag::from_listing(s);
            return true;
        default:
            assign_text(to, what, s);
            return true;
    }
}

bool listing_builder::finish_entry(properties& done) {
    if (done.name.empty()) return fail("an entry without a name");
    if (done.is_prefix) return true;
    if (!sized_ && !done.is_directory) return fail(fmt::format("'{}' has no Content-Length", done.name));
    done.uncommitted = !tagged_;
    done.is_directory |= folder_;
    return true;
}

}  // namespace act::blob
