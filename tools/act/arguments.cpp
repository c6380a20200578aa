#include "tools/act/arguments.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/core/utf8.hpp"
#include "submit/cluster/suggest.hpp"
#include "tools/act/policy.hpp"
#include "tools/act/text.hpp"

namespace act::cli {

namespace {

// `--from-cluster` and `--from_cluster` are one.
std::string folded(std::string_view name) {
    std::string out(name);
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

bool is_number(std::string_view word) {
    return word.size() > 1 && word.find_first_not_of("0123456789.", 1) == std::string_view::npos;
}

struct match {
    const option* found = nullptr;
    std::string_view value;  ///< glued to the name, if has_value
    bool has_value = false;
};

class parser {
public:
    explicit parser(const std::vector<std::string>& words) : words_(words) {}

    result<arguments> parse() {
        bool options_ended = false;
        for (; at_ < words_.size(); ++at_) {
            const std::string& word = words_[at_];
            bool dashed = word.size() > 1 && word[0] == '-';
            if (!options_ended && word == "--") {
                options_ended = true;
            } else if (!options_ended && dashed) {
                ACT_TRY_VOID(take_option(word));
            } else if (!out_.verb) {
                ACT_TRY_VOID(take_verb(word));
                if (out_.verb && out_.verb->takes == takes::raw) {
                    take_rest(at_ + 1);
                    break;
                }
            } else if (out_.verb->takes == takes::command) {
                take_rest(at_);
                break;
            } else {
                out_.words.push_back(word);
            }
        }
        ACT_TRY_VOID(check());
        return std::move(out_);
    }

private:
    void take_rest(std::size_t from) {
        out_.words.assign(words_.begin() + static_cast<std::ptrdiff_t>(from), words_.end());
    }

    result<void> take_verb(const std::string& word) {
        // `act help rm` is what people try first.
        if (word == "help") {
            out_.given.help = true;
            return {};
        }
        out_.verb = find_verb(word);
        out_.called = word;
        if (out_.verb) return {};
        std::vector<std::string> known;
        for (const verb* v : all_verbs()) {
            if (v->hidden) continue;
            known.emplace_back(v->name);
            // Of very short ones anything seems near.
            for (std::string_view alias : v->aliases) {
                if (alias.size() > 2) known.emplace_back(alias);
            }
        }
        std::string near = cluster::nearest(word, known);
        return error(
            kind::usage, fmt::format("unknown verb `{}`", printable(word)),
            near.empty() ? "run `act --help` to see them all" : fmt::format("did you mean `{}`?", near));
    }

    result<match> find(const std::string& word) const {
        return word[1] == '-' ? find_long(word) : find_short(word);
    }

    /// Verbs may have options of their own under a name that others know as something else: `logs -f`.
    bool is_own(const option& o) const { return out_.verb && o.belongs_to(out_.verb->name); }

    result<match> find_long(std::string_view word) const {
        std::size_t equals = word.find('=');
        match out;
        if (equals != std::string_view::npos) {
            out.has_value = true;
            out.value = word.substr(equals + 1);
        }
        std::string name = folded(word.substr(0, equals));
        std::vector<const option*> begin_so;
        for (const option& o : all_options()) {
            std::string candidate = folded(o.name);
            if (candidate == name && (!out.found || is_own(o))) out.found = &o;
            if (name.size() > 3 && candidate.starts_with(name)) begin_so.push_back(&o);
        }
        if (out.found) return out;
        if (begin_so.size() > 1) return ambiguous(word, begin_so);
        if (begin_so.empty()) return unknown(word.substr(0, equals));
        out.found = begin_so.front();
        return out;
    }

    result<match> find_short(std::string_view word) const {
        match out;
        std::vector<const option*> begin_so;
        const option* glued = nullptr;
        std::size_t glued_name = 0;
        for (const option& o : all_options()) {
            for (std::string_view name : {o.short_name, o.name}) {
                if (name.size() < 2 || name[1] == '-') continue;
                if (name == word && (!out.found || is_own(o))) out.found = &o;
                if (word.size() > 2 && name.starts_with(word)) begin_so.push_back(&o);
                // The longest name that fits wins: `-rtx` is `-rt x`.
                if (word.starts_with(name) && !o.is_flag() && name.size() > glued_name) {
                    glued = &o;
                    glued_name = name.size();
                    out.value = word.substr(name.size());
                }
            }
        }
        if (out.found) {
            out.value = {};
            return out;
        }
        if (begin_so.size() > 1) return ambiguous(word, begin_so);
        if (!begin_so.empty()) {
            out.found = begin_so.front();
            out.value = {};
            return out;
        }
        if (!glued) return unknown(word);
        if (out.value.starts_with('=')) out.value.remove_prefix(1);
        out.found = glued;
        out.has_value = true;
        return out;
    }

    static error ambiguous(std::string_view word, const std::vector<const option*>& candidates) {
        std::string names;
        for (const option* o : candidates) names += (names.empty() ? "" : ", ") + std::string(o->name);
        return error(kind::usage, fmt::format("`{}` could be any of {}", word, names), "write it out");
    }

    static error unknown(std::string_view word) {
        std::vector<std::string> known;
        for (const option& o : all_options()) {
            known.emplace_back(o.name);
            if (o.short_name.size() > 2) known.emplace_back(o.short_name);
        }
        std::string near = cluster::nearest(folded(word), known);
        return error(kind::usage, fmt::format("unknown option `{}`", printable(word)),
                     near.empty()
                         ? "`act VERB --help` lists the options; `--` before a word that begins with a dash"
                         : fmt::format("did you mean `{}`?", near));
    }

    result<void> take_option(const std::string& word) {
        ACT_TRY(match m, find(word));
        const option& o = *m.found;
        std::string_view value = m.value;
        if (o.is_flag()) {
            if (m.has_value) {
                return error(kind::usage, fmt::format("{} takes no value", o.name),
                             fmt::format("write {} alone", o.name));
            }
        } else if (!m.has_value) {
            bool next = at_ + 1 < words_.size();
            // A dash begins the next option, so that a forgotten value is noticed.
            if (!next ||
                (words_[at_ + 1].size() > 1 && words_[at_ + 1][0] == '-' && !is_number(words_[at_ + 1]))) {
                return error(kind::usage, fmt::format("{} needs a value", o.name),
                             fmt::format("write {}={}", o.name, o.value));
            }
            value = words_[++at_];
        }
        out_.given.seen.emplace(o.name);
        seen_.push_back(&o);
        return o.apply(out_.given, o, value);
    }

    result<void> check() const {
        if (!out_.verb || out_.given.help || out_.given.version) return {};
        const verb& v = *out_.verb;
        for (const option* o : seen_) {
            if (o->fits(v.name)) continue;
            return error(kind::usage, fmt::format("`act {}` has no option {}", v.name, o->name),
                         fmt::format("`act {} --help` lists what it has", v.name));
        }
        ACT_TRY_VOID(check_policy(v.name, out_.given));
        if (!out_.given.run_group.empty() && !out_.words.empty()) {
            return error(kind::usage, "--group names the runs, and here are others besides",
                         "give one of the two: RUN... or --group");
        }
        const bool shell = out_.given.seen.find("--shell") != out_.given.seen.end();
        bool needs = v.takes == takes::some || (v.takes == takes::command && !shell);
        if (shell && !out_.words.empty()) {
            return error(kind::usage, "--shell takes the whole line, and here are words after it",
                         "quote the line: --shell 'make && ./run | tee log'");
        }
        if (needs && out_.words.empty()) {
            return error(kind::usage, fmt::format("`act {}` needs {}", v.name, v.usage),
                         fmt::format("for instance: {}", v.examples.front().command));
        }
        if (v.takes == takes::nothing && !out_.words.empty()) {
            return error(
                kind::usage,
                fmt::format("`act {}` takes nothing, not `{}`", v.name, printable(out_.words.front())),
                fmt::format("`act {} --help` shows its use", v.name));
        }
        return {};
    }

    const std::vector<std::string>& words_;
    std::size_t at_ = 0;
    arguments out_;
    std::vector<const option*> seen_;
};

}  // namespace

result<arguments> parse_arguments(const std::vector<std::string>& words) { return parser(words).parse(); }

}  // namespace act::cli
