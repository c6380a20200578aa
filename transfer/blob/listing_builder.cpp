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
    auto what = field::metadatum;
    switch (stack_.back().at) {
        case place::properties:
            what = property_field(name);
            break;
        case place::blob:
            what = entry_field(name);
            break;
        default:
            if (name == "x-ms-invalid-name") what = field::none;
            key_.assign(name);
            break;
    }
    if (what == field::none) return true;
    if (entities) {
        text_.clear();
        if (!xml::unescape(text_, raw)) return fail("unknown entity");
        raw = text_;
    }
    if (what == field::name) encoded_name_ = false;
    return assign(what, raw);
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
                entry_.is_prefix = name == "BlobPrefix";
                sized_ = encoded_name_ = false;
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
            if (auto f = property_field(name); f != field::none) return push(place::leaf, name, f), true;
            break;
        case place::metadata:
            if (name == "x-ms-invalid-name") break;
            key_.assign(name);
            return push(place::leaf, name, field::metadatum), true;
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
    if (top.at == place::leaf) return assign(top.what, text_);
    if (top.at == place::blob) return finish_entry();
    if (top.at == place::tag) entry_.tags[key_] = value_;
    ended_ = stack_.empty();
    return true;
}

bool listing_builder::assign(field what, std::string_view s) {
    switch (what) {
        case field::next_marker:
            marker = s;
            return true;
        case field::metadatum: {
            for (char& c : key_) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            entry_.metadata[key_] = s;
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
                entry_.name = std::move(*decoded);
            } else {
                entry_.name = s;
            }
            return true;
        case field::content_length: {
            if (s.empty()) return true;
            auto [at, ec] = std::from_chars(s.data(), s.data() + s.size(), entry_.size);
            if (ec != std::errc() || at != s.data() + s.size()) return fail("a Content-Length is no number");
            sized_ = true;
            return true;
        }
        case field::last_modified:
            if (s.empty()) return true;
            return modified_memo_.parse(s, entry_.modified) || fail("a Last-Modified does not parse");
        case field::creation_time: {
            wall_time created;
            if (created_memo_.parse(s, created)) entry_.created = created;
            return true;
        }
        default:
            assign_text(entry_, what, s);
            return true;
    }
}

bool listing_builder::finish_entry() {
    if (entry_.name.empty()) return fail("an entry without a name");
    if (!entry_.is_prefix) {
        if (!sized_ && !entry_.is_directory)
            return fail(fmt::format("'{}' has no Content-Length", entry_.name));
        entry_.uncommitted = entry_.etag.empty();
        if (!entry_.metadata.empty()) {
            auto folder = entry_.metadata.find("hdi_isfolder");
            if (folder != entry_.metadata.end() && (folder->second == "true" || folder->second == "True")) {
                entry_.is_directory = true;
            }
        }
    }
    items.push_back(std::move(entry_));
    // Cheaper than the assignment of an empty one.
    std::destroy_at(&entry_);
    std::construct_at(&entry_);
    return true;
}

}  // namespace act::blob
