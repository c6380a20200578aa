#include <optional>

#include <fmt/format.h>

#include "transfer/blob/xml.hpp"

namespace act::blob::xml {
namespace {

constexpr std::size_t max_depth = 64;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

reader::reader(std::string_view document) : rest_(document) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
}

reader::event reader::fail(std::string why) {
    if (!failed_) why_ = std::move(why);
    failed_ = true;
    return event::malformed;
}

error reader::problem() const { return error(kind::protocol, "malformed XML: " + why_); }

reader::event reader::next() {
    if (failed_) return event::malformed;
    if (pending_close_) {
        pending_close_ = false;
        open_.pop_back();
        return event::close;
    }
    for (;;) {
        if (open_.empty()) {
            while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
            if (rest_.empty()) return started_ ? event::done : fail("the document is empty");
            if (rest_.front() != '<') return fail("text outside of the root element");
        }
        if (rest_.empty()) return fail(fmt::format("ends inside of <{}>", open_.back()));
        if (rest_.front() != '<') {
            auto raw = rest_.substr(0, rest_.find('<'));
            rest_.remove_prefix(raw.size());
            text_.clear();
            if (!unescape(text_, raw)) return fail("unknown entity");
            return event::text;
        }
        auto past = [&](std::string_view opening,
                        std::string_view closing) -> std::optional<std::string_view> {
            auto end = rest_.find(closing, opening.size());
            if (end == rest_.npos) return std::nullopt;
            auto inside = rest_.substr(opening.size(), end - opening.size());
            rest_.remove_prefix(end + closing.size());
            return inside;
        };
        if (rest_.starts_with("<!--")) {
            if (!past("<!--", "-->")) return fail("unfinished comment");
        } else if (rest_.starts_with("<![CDATA[")) {
            auto inside = past("<![CDATA[", "]]>");
            if (!inside || open_.empty()) return fail("misplaced or unfinished CDATA section");
            text_ = *inside;
            return event::text;
        } else if (rest_.starts_with("<?")) {
            if (!past("<?", "?>")) return fail("unfinished processing instruction");
        } else if (rest_.starts_with("<!")) {
            return fail("document type declarations are refused");
        } else {
            char quote = 0;
            for (std::size_t i = 1; i < rest_.size(); ++i) {
                char c = rest_[i];
                if (quote) {
                    if (c == quote) quote = 0;
                } else if (c == '"' || c == '\'') {
                    quote = c;
                } else if (c == '>') {
                    return tag(i);
                } else if (c == '<') {
                    break;
                }
            }
            return fail("unfinished tag");
        }
    }
}

reader::event reader::tag(std::size_t end) {
    auto inside = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    bool closing = inside.starts_with('/');
    if (closing) inside.remove_prefix(1);
    bool empty = !closing && inside.ends_with('/');
    if (empty) inside.remove_suffix(1);

    std::size_t n = 0;
    while (n < inside.size() && !is_space(inside[n])) ++n;
    auto full = inside.substr(0, n);
    attributes_ = inside.substr(n);
    if (full.empty()) return fail("a tag without a name");
    name_ = full.substr(full.find(':') == full.npos ? 0 : full.find(':') + 1);
    if (closing) {
        if (open_.empty() || open_.back() != full) return fail(fmt::format("</{}> closes nothing", full));
        open_.pop_back();
        return event::close;
    }
    if (open_.empty() && started_) return fail("a second root element");
    if (open_.size() >= max_depth) return fail("nested too deeply");
    started_ = true;
    open_.push_back(full);
    pending_close_ = empty;
    return event::open;
}

std::string reader::attribute(std::string_view name) const {
    auto rest = attributes_;
    for (;;) {
        while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
        auto equals = rest.find('=');
        if (equals == rest.npos) return {};
        auto key = rest.substr(0, equals);
        while (!key.empty() && is_space(key.back())) key.remove_suffix(1);
        rest.remove_prefix(equals + 1);
        while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
        if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return {};
        auto end = rest.find(rest[0], 1);
        if (end == rest.npos) return {};
        if (key == name) {
            std::string value;
            return unescape(value, rest.substr(1, end - 1)) ? value : std::string();
        }
        rest.remove_prefix(end + 1);
    }
}

result<std::string> reader::content() {
    std::string out;
    for (int depth = 1;;) {
        switch (next()) {
            case event::open:
                ++depth;
                break;
            case event::close:
                if (--depth == 0) return out;
                break;
            case event::text:
                if (depth == 1) out += text_;
                break;
            default:
                return problem();
        }
    }
}

result<void> reader::skip() {
    auto ignored = content();
    if (!ignored) return ignored.error();
    return {};
}

result<bool> next_child(reader& r) {
    for (;;) {
        switch (r.next()) {
            case reader::event::open:
                return true;
            case reader::event::close:
            case reader::event::done:
                return false;
            case reader::event::text:
                break;
            case reader::event::malformed:
                return r.problem();
        }
    }
}

}  // namespace act::blob::xml
