#include "tools/act/line_source.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

result<line_source> line_source::open(const world& w, const std::string& name, form f) {
    line_source out;
    out.form_ = f;
    if (name == "-") {
        if (w.in_descriptor >= 0) {
            out.reader_.emplace(w.in_descriptor, "standard input");
        } else {
            out.stream_ = &w.in;
        }
        return out;
    }
    ACT_TRY(out.file_, file::open_read(w.absolute(name)));
    ACT_TRY(const file::status s, file::stat_of(out.file_.get(), name));
    if (s.type == file::type::directory)
        return error(kind::usage, name + " is a folder, not a list", "name a file with one item a line");
    out.reader_.emplace(out.file_.get(), name);
    return out;
}

bool line_source::rewind() {
    struct stat s {};
    if (!file_ || ::fstat(file_.get(), &s) != 0 || !S_ISREG(s.st_mode)) return false;
    if (::lseek(file_.get(), 0, SEEK_SET) != 0) return false;
    text_.clear();
    at_ = number_ = 0;
    ended_ = false;
    return true;
}

result<bool> line_source::fill(const until& u) {
    text_.erase(0, at_);
    at_ = 0;
    const std::size_t have = text_.size();
    constexpr std::size_t step = 64 * 1024;
    text_.resize(have + step);
    std::size_t got = 0;
    if (reader_) {
        auto read = reader_->read_some(std::as_writable_bytes(std::span(text_.data() + have, step)), u);
        if (!read) return read.error();
        got = *read;
    } else {
        stream_->read(text_.data() + have, step);
        got = static_cast<std::size_t>(stream_->gcount());
    }
    text_.resize(have + got);
    return got > 0;
}

result<std::optional<std::string>> line_source::next(const until& u) {
    ACT_TRY_VOID(u.check());
    std::size_t seen = 0;
    for (;;) {
        const std::size_t end = text_.find(form_.separator, at_ + seen);
        if (end != std::string::npos || (ended_ && at_ < text_.size())) {
            const std::size_t stop = std::min(end, text_.size());
            std::string line = text_.substr(at_, stop - at_);
            at_ = std::min(stop + 1, text_.size());
            ++number_;
            if (form_.separator == '\n' && line.ends_with('\r')) line.pop_back();
            return std::optional(std::move(line));
        }
        if (ended_) return std::optional<std::string>();
        seen = text_.size() - at_;
        if (seen > form_.longest) {
            ++number_;
            return error(kind::usage,
                         fmt::format("line {} is longer than {}", number_, human_size(form_.longest)),
                         form_.advice);
        }
        ACT_TRY(const bool more, fill(u));
        ended_ = !more;
    }
}

}  // namespace act::cli
