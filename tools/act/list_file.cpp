#include "tools/act/list_file.hpp"

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/line_source.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

constexpr std::size_t longest_line = 64 * KiB;

class list_file final : public plan::item_list {
public:
    list_file(std::string name, line_source lines, bool null_separated, screen& s, until u)
        : name_(std::move(name)),
          lines_(std::move(lines)),
          null_separated_(null_separated),
          screen_(s),
          until_(std::move(u)) {}

    result<std::optional<plan::listed_item>> next() override {
        using nothing = std::optional<plan::listed_item>;
        for (;;) {
            auto line = lines_.next(until_);
            if (!line) return error(line.error()).in(printable(name_));
            if (!*line) {
                if (begun_ && !ended_) {
                    return error(kind::io, printable(name_) + " ends before its last line: it is not whole",
                                 "copy it again");
                }
                return nothing();
            }
            const std::string& text = **line;
            if (text.empty()) continue;
            const bool json = !null_separated_ && text.front() == '{';
            if (const auto mark = json ? plan::read_mark(text) : std::nullopt) {
                note(*mark);
                continue;
            }
            auto item = json ? plan::read_item(text) : plain(text);
            if (item && !*item) continue;
            plan::listed_item out;
            if (item) {
                out = std::move(**item);
            } else {
                out.wrong = item.error();
            }
            out.place = fmt::format("{}:{}", name_, lines_.number());
            return nothing(std::move(out));
        }
    }

    bool ready() const override { return lines_.ready(); }

private:
    static result<std::optional<plan::listed_item>> plain(std::string_view line) {
        ACT_TRY(plan::listed_item item, plan::read_name(line));
        return std::optional(std::move(item));
    }

    void note(const plan::manifest_mark& mark) {
        (mark.begins ? begun_ : ended_) = true;
        if (mark.begins || mark.complete) return;
        screen_.problem("warning: " + printable(name_) +
                        " was written by a run that did not do everything: it lacks what that run left out");
    }

    const std::string name_;
    line_source lines_;
    const bool null_separated_;
    screen& screen_;
    const until until_;
    bool begun_ = false, ended_ = false;  ///< the marks of a manifest were seen
};

}  // namespace

result<std::unique_ptr<plan::item_list>> open_list(invocation& call, const std::string& name, until u) {
    const bool null_separated = call.given.null_separated;
    const line_source::form form{null_separated ? '\0' : '\n', longest_line,
                                 "a list has one name a line; with --null, names end with NUL"};
    ACT_TRY(auto lines, line_source::open(call.world, name, form));
    return std::make_unique<list_file>(name == "-" ? "standard input" : name, std::move(lines),
                                       null_separated, call.screen, std::move(u));
}

result<std::unique_ptr<plan::item_list>> list_of(invocation& call, std::size_t most_words, until u) {
    const options& given = call.given;
    if (given.from_list.empty()) {
        if (given.null_separated) {
            return error(kind::usage,
                         "--null tells how the list of --from-list is written, which is not given",
                         "add --from-list FILE, or leave --null out");
        }
        return nullptr;
    }
    if (call.words.size() > most_words) {
        return error(kind::usage, "the names of --from-list are below one path, and several are named",
                     "name the one folder that they are below");
    }
    if (!given.choices.empty() || given.least_size || given.most_size || given.newer_than ||
        given.older_than) {
        return error(kind::usage, "--from-list says what takes part, and so do --include and its kin",
                     "leave one of them out");
    }
    return open_list(call, given.from_list, std::move(u));
}

}  // namespace act::cli
