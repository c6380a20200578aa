#include "submit/runs/error_classes.hpp"

#include <algorithm>
#include <cstring>
#include <regex.h>

#include "engine/file/file.hpp"
#include "submit/runs/text_finder.hpp"

namespace act::runs {
namespace {

constexpr std::size_t window = 1 << 20;  ///< read at once; longer lines are taken in pieces
constexpr std::size_t shown = 300;       ///< of a line
constexpr std::uint64_t barrier_reach = 100;

class expression {
public:
    static result<std::unique_ptr<expression>> make(const error_rule& rule) {
        auto made = std::make_unique<expression>();
        const int number = ::regcomp(&made->regex_, rule.pattern.c_str(), REG_EXTENDED | REG_NOSUB);
        if (number == 0) {
            made->compiled_ = true;
            return made;
        }
        char why[200] = {};
        ::regerror(number, &made->regex_, why, sizeof why);
        return error(kind::configuration,
                     "the pattern '" + rule.pattern + "' of error class " + rule.name + ": " + why,
                     "write it as for grep -E");
    }
    expression() = default;
    expression(const expression&) = delete;
    expression& operator=(const expression&) = delete;
    ~expression() {
        if (compiled_) ::regfree(&regex_);
    }
    /// A string, because its end has to be marked.
    bool matches(const std::string& line) const {
        regmatch_t all{0, static_cast<regoff_t>(line.size())};
        return ::regexec(&regex_, line.c_str(), 1, &all, REG_STARTEND) == 0;
    }

private:
    regex_t regex_{};
    bool compiled_ = false;
};

std::string shortened(std::string_view line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.size() <= shown) return std::string(line);
    std::size_t end = shown;
    while (end > 0 && (line[end] & 0xc0) == 0x80) --end;
    return std::string(line.substr(0, end)) + "...";
}

struct rule_state {
    error_rule rule;
    std::unique_ptr<expression> regex;
    const char* last = nullptr;  ///< the line of the window that was looked at last
    std::uint64_t streak = 0;
};

}  // namespace

struct error_scanner::impl {
    std::vector<rule_state> rules;
    std::vector<error_class> classes;
    text_finder finder;
    std::vector<std::size_t> everywhere;  ///< rules without a text to search for: tried on each line
    std::string file;
    std::uint64_t line = 1;                         ///< number of the line at `counted`
    std::uint64_t barrier = 0;                      ///< line of the last one; 0: none
    static constexpr std::size_t barrier_rule = 0;  ///< what its text is found as; rules count from 1

    result<void> prepare(std::span<const error_rule> more) {
        auto add = [&](const error_rule& r) -> result<void> {
            ACT_TRY(auto regex, expression::make(r));
            rules.push_back({r, std::move(regex)});
            return {};
        };
        for (const auto& r : more) ACT_TRY_VOID(add(r));
        for (const auto& r : known_error_rules()) {
            bool replaced =
                std::any_of(more.begin(), more.end(), [&](const error_rule& m) { return m.name == r.name; });
            if (!replaced) ACT_TRY_VOID(add(r));
        }
        finder.add("barrier", barrier_rule);
        for (std::size_t i = 0; i < rules.size(); ++i) {
            auto texts = plain_texts(rules[i].rule.pattern);
            if (texts.empty()) everywhere.push_back(i);
            for (const auto& text : texts) finder.add(text, i + 1);
        }
        finder.prepare();
        return {};
    }

    void begin(const std::string& name) {
        file = name;
        line = 1;
        barrier = 0;
        for (auto& r : rules) r.streak = 0;
    }

    error_class& class_of(const std::string& name, const rule_state& r) {
        for (auto& c : classes) {
            if (c.name == name) return c;
        }
        error_class c{.name = name, .retriable = r.rule.retriable, .general = r.rule.general};
        if (name != r.rule.name) {
            c.general = false;
            for (const auto& other : rules) {
                if (other.rule.name == name) c.retriable = other.rule.retriable;
            }
        }
        classes.push_back(std::move(c));
        return classes.back();
    }

    void consider(rule_state& r, std::string_view text) {
        if (r.last == text.data()) return;
        r.last = text.data();
        if (!r.regex->matches(std::string(text))) {
            if (r.rule.successive) r.streak = 0;
            return;
        }
        ++r.streak;
        if (r.rule.more_than > 0 && r.streak <= r.rule.more_than) return;
        bool near = !r.rule.near_barrier.empty() && barrier > 0 && line - barrier <= barrier_reach;
        error_class& c = class_of(near ? r.rule.near_barrier : r.rule.name, r);
        if (c.lines++ > 0) return;
        c.file = file;
        c.line = line;
        c.text = shortened(text);
    }

    /// Whole lines, or what is taken for one.
    void look_at(std::string_view text) {
        for (auto& r : rules) r.last = nullptr;
        const char* counted = text.data();
        auto count_to = [&](const char* at) {
            line += static_cast<std::uint64_t>(std::count(counted, at, '\n'));
            counted = at;
        };
        if (!everywhere.empty()) return look_at_each(text);
        std::string_view one;
        finder.search(text, [&](std::size_t end, std::size_t id) {
            if (const char* at = text.data() + end - 1; one.empty() || at >= one.data() + one.size()) {
                one = line_around(text, end - 1);
                count_to(one.data());
            }
            if (id == barrier_rule) {
                barrier = line;
            } else {
                consider(rules[id - 1], one);
            }
        });
        count_to(text.data() + text.size());
    }

    /// The slow way, which rules without plain text need.
    void look_at_each(std::string_view text) {
        while (!text.empty()) {
            std::size_t end = text.find('\n');
            std::string_view one = text.substr(0, end);
            finder.search(one, [&](std::size_t, std::size_t id) {
                if (id == barrier_rule) {
                    barrier = line;
                } else {
                    consider(rules[id - 1], one);
                }
            });
            for (std::size_t i : everywhere) consider(rules[i], one);
            if (end == std::string_view::npos) return;
            ++line;
            text.remove_prefix(end + 1);
        }
    }

    /// Progress bars part their lines by carriage returns.
    static std::string_view line_around(std::string_view text, std::size_t at) {
        std::size_t begin = text.find_last_of("\r\n", at);
        begin = begin == std::string_view::npos ? 0 : begin + 1;
        std::size_t end = text.find_first_of("\r\n", at);
        return text.substr(begin, end == std::string_view::npos ? end : end - begin);
    }
};

error_scanner::error_scanner(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
error_scanner::error_scanner(error_scanner&&) noexcept = default;
error_scanner& error_scanner::operator=(error_scanner&&) noexcept = default;
error_scanner::~error_scanner() = default;

result<error_scanner> error_scanner::make(std::span<const error_rule> more) {
    auto i = std::make_unique<impl>();
    ACT_TRY_VOID(i->prepare(more));
    return error_scanner(std::move(i));
}

void error_scanner::scan_text(std::string_view text, const std::string& name) {
    impl_->begin(name);
    impl_->look_at(text);
}

result<void> error_scanner::scan_file(const std::string& path) {
    ACT_TRY(file::descriptor fd, file::open_read(path));
    impl_->begin(path);
    std::uint64_t at = 0;
    std::vector<std::byte> buffer(window);
    std::size_t kept = 0;
    for (;;) {
        ACT_TRY(std::size_t n, file::read_at(fd.get(), std::span(buffer).subspan(kept), at, path));
        at += n;
        std::string_view text(reinterpret_cast<const char*>(buffer.data()), kept + n);
        if (n == 0) {
            impl_->look_at(text);
            return {};
        }
        std::size_t end = text.rfind('\n');
        std::size_t whole = end == std::string_view::npos ? (text.size() == window ? window : 0) : end + 1;
        impl_->look_at(text.substr(0, whole));
        kept = text.size() - whole;
        std::memmove(buffer.data(), buffer.data() + whole, kept);
    }
}

std::vector<error_class> error_scanner::found() const {
    std::vector<error_class> out = impl_->classes;
    auto place = [&](const error_class& c) {
        return std::find_if(impl_->rules.begin(), impl_->rules.end(),
                            [&](const rule_state& r) { return r.rule.name == c.name; });
    };
    std::stable_sort(out.begin(), out.end(),
                     [&](const auto& a, const auto& b) { return place(a) < place(b); });
    return out;
}

bool is_retriable(std::span<const error_class> found) {
    bool any = false;
    for (const auto& c : found) {
        if (!c.retriable && !c.general) return false;
        any = any || c.retriable;
    }
    return any;
}

}  // namespace act::runs
