#include "tools/act/list_file.hpp"

#include <istream>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "engine/file/stream.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

constexpr std::size_t longest_line = 64 * KiB;
constexpr std::size_t piece_size = 64 * KiB;

class list_file final : public plan::item_list {
public:
    /// Reads `in` where there is no descriptor.
    list_file(std::string name, file::descriptor own, int fd, std::istream& in, bool null_separated,
              screen& s, until u)
        : name_(std::move(name)),
          own_(std::move(own)),
          in_(in),
          null_separated_(null_separated),
          screen_(s),
          until_(std::move(u)) {
        if (fd >= 0) reader_.emplace(fd, name_);
    }

    result<std::optional<plan::listed_item>> next() override {
        using nothing = std::optional<plan::listed_item>;
        for (;;) {
            ACT_TRY(const auto line, next_line());
            if (!line) {
                if (begun_ && !ended_) {
                    return error(kind::io, printable(name_) + " ends before its last line: it is not whole",
                                 "copy it again");
                }
                return nothing();
            }
            ++number_;
            if (line->empty()) continue;
            const bool json = !null_separated_ && line->front() == '{';
            if (const auto mark = json ? plan::read_mark(*line) : std::nullopt) {
                note(*mark);
                continue;
            }
            auto item = json ? plan::read_item(*line) : plain(*line);
            if (item && !*item) continue;
            plan::listed_item out;
            if (item) {
                out = std::move(**item);
            } else {
                out.wrong = item.error();
            }
            out.place = fmt::format("{}:{}", name_, number_);
            return nothing(std::move(out));
        }
    }

    bool ready() const override { return at_end_ || buffer_.find(separator(), at_) != buffer_.npos; }

private:
    char separator() const { return null_separated_ ? '\0' : '\n'; }

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

    /// Without its end; good until the next call.
    result<std::optional<std::string_view>> next_line() {
        for (;;) {
            const std::size_t end = buffer_.find(separator(), at_);
            if (end != buffer_.npos || (at_end_ && at_ < buffer_.size())) {
                std::string_view line = std::string_view(buffer_).substr(at_, end - at_);
                at_ = std::min(end, buffer_.size() - 1) + 1;
                if (!null_separated_ && line.ends_with('\r')) line.remove_suffix(1);
                return std::optional(line);
            }
            if (at_end_) return std::optional<std::string_view>();
            if (buffer_.size() - at_ > longest_line) {
                return error(kind::usage,
                             fmt::format("{}:{}: the line is longer than {}", printable(name_), number_ + 1,
                                         human_size(longest_line)),
                             "a list has one name a line; with --null, names end with NUL");
            }
            ACT_TRY_VOID(read_more());
        }
    }

    result<void> read_more() {
        buffer_.erase(0, at_);
        at_ = 0;
        const std::size_t had = buffer_.size();
        buffer_.resize(had + piece_size);
        std::size_t got = 0;
        if (reader_) {
            ACT_TRY(got, reader_->read_some(std::as_writable_bytes(std::span(buffer_).subspan(had)), until_));
        } else {
            in_.read(buffer_.data() + had, static_cast<std::streamsize>(piece_size));
            got = static_cast<std::size_t>(in_.gcount());
        }
        buffer_.resize(had + got);
        at_end_ = got == 0;
        return {};
    }

    const std::string name_;
    file::descriptor own_;
    std::optional<file::stream_reader> reader_;
    std::istream& in_;
    const bool null_separated_;
    screen& screen_;
    const until until_;
    std::string buffer_;
    std::size_t at_ = 0;
    std::uint64_t number_ = 0;  ///< of the last line that was given out
    bool at_end_ = false;
    bool begun_ = false, ended_ = false;  ///< the marks of a manifest were seen
};

}  // namespace

result<std::unique_ptr<plan::item_list>> open_list(invocation& call, const std::string& name, until u) {
    file::descriptor own;
    int fd = call.world.in_descriptor;
    const bool standard = name == "-";
    if (!standard) {
        ACT_TRY(own, file::open_read(call.world.absolute(name)));
        fd = own.get();
        ACT_TRY(const file::status s, file::stat_of(fd, name));
        if (s.type == file::type::directory) {
            return error(kind::usage, name + " is a folder, not a list", "name a file with one name a line");
        }
    }
    return std::make_unique<list_file>(standard ? "standard input" : name, std::move(own), fd, call.world.in,
                                       call.given.null_separated, call.screen, std::move(u));
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
