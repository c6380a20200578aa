#include "tools/act/folder_tally.hpp"

namespace act::cli {

folder_tally::folder_tally(std::size_t depth, event enter, event leave)
    : depth_(depth), enter_(std::move(enter)), leave_(std::move(leave)) {
    open_.emplace_back();
}

void folder_tally::close_to(std::size_t levels) {
    while (open_.size() > levels) {
        const folder done = std::move(open_.back());
        open_.pop_back();
        leave_(done);
        if (open_.empty()) return;
        open_.back().files += done.files;
        open_.back().bytes += done.bytes;
    }
}

void folder_tally::add(std::string_view name, std::uint64_t bytes) {
    std::size_t shared = 1;
    while (shared < open_.size() && name.starts_with(open_[shared].path)) ++shared;
    close_to(shared);
    while (open_.back().level < depth_) {
        const std::size_t slash = name.find('/', open_.back().path.size());
        if (slash == name.npos) break;
        folder next;
        next.path = name.substr(0, slash + 1);
        next.level = open_.back().level + 1;
        open_.push_back(std::move(next));
        enter_(open_.back());
    }
    if (name.ends_with('/') && bytes == 0) return;
    ++open_.back().files;
    open_.back().bytes += bytes;
}

void folder_tally::finish() { close_to(0); }

}  // namespace act::cli
