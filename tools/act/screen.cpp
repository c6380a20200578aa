#include "tools/act/screen.hpp"

#include <cerrno>
#include <ostream>

#include "engine/core/secret.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/text.hpp"

namespace act::cli {

screen::screen(std::ostream& out, std::ostream& problems, bool out_is_terminal)
    : out_(&out), problems_(problems), out_is_terminal_(out_is_terminal), lost_(out.good() ? 0 : EPIPE) {}

screen::~screen() {
    status({});
    flush();
}

void screen::results_aside() {
    std::lock_guard lock(mutex_);
    out_->flush();
    note_loss();
    aside_ = true;
    out_ = &problems_;
    out_is_terminal_ = true;
}

void screen::result(std::string_view line) {
    std::lock_guard lock(mutex_);
    if (!status_.empty() && out_is_terminal_) hide_status();
    *out_ << line << '\n';
    if (out_is_terminal_) out_->flush();
    note_loss();
}

void screen::lines(std::string_view text) {
    std::lock_guard lock(mutex_);
    if (!status_.empty() && out_is_terminal_) hide_status();
    *out_ << text;
    if (out_is_terminal_) out_->flush();
    note_loss();
}

void screen::raw(std::string_view bytes) {
    std::lock_guard lock(mutex_);
    if (!status_.empty() && out_is_terminal_) hide_status();
    out_->write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out_->flush();
    note_loss();
}

void screen::raw_problem(std::string_view bytes) {
    std::lock_guard lock(mutex_);
    hide_status();
    problems_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    problems_.flush();
}

void screen::problem(std::string_view text) { write_problem("act: " + printable(redact(text))); }

void screen::detail(std::string_view text) { write_problem(printable(redact(text))); }

void screen::ask(std::string_view text) {
    std::lock_guard lock(mutex_);
    out_->flush();
    note_loss();
    hide_status();
    problems_ << printable(text);
    problems_.flush();
}

void screen::status(std::string_view line) {
    std::lock_guard lock(mutex_);
    if (line.empty()) {
        hide_status();
    } else {
        // One write, so that it never flickers.
        std::string frame = "\r";
        frame += line;
        frame += "\x1b[K";
        problems_ << frame;
    }
    problems_.flush();
    status_ = line;
}

bool screen::results_gone() const {
    std::lock_guard lock(mutex_);
    return !out_->good();
}

void screen::flush() {
    std::lock_guard lock(mutex_);
    out_->flush();
    note_loss();
    problems_.flush();
}

int screen::results_lost() const {
    std::lock_guard lock(mutex_);
    return lost_ == EPIPE ? 0 : lost_;
}

void screen::note_loss() {
    // A stream stays bad once it is, and the call that made it so is the last that set errno.
    if (aside_ || lost_ != 0 || out_->good()) return;
    lost_ = errno != 0 ? errno : EIO;
}

void screen::write_problem(std::string_view line) {
    std::lock_guard lock(mutex_);
    // What was said before on the other stream comes first where both end on one terminal.
    out_->flush();
    note_loss();
    hide_status();
    problems_ << std::string(line) + '\n';
    problems_.flush();
}

void screen::hide_status() {
    if (status_.empty()) return;
    problems_ << "\r\x1b[K";
    problems_.flush();
    status_.clear();
}

}  // namespace act::cli
