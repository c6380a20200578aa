#include "tools/act/outcome_files.hpp"

#include <algorithm>
#include <filesystem>

#include "tools/act/world.hpp"

namespace act::cli {

result<void> outcome_files::open(const invocation& call) {
    const options& given = call.given;
    if (given.manifest_out.empty() && given.failed_out.empty()) return {};
    if (given.dry_run) {
        return error(kind::usage, "a dry run does nothing that --manifest-out or --failed-out could tell",
                     "leave one of them out; --dry-run --json prints what would be done");
    }
    // Waits for the reader of a pipe, which may never come.
    const until u{.stop = call.world.stop.token()};
    if (!given.manifest_out.empty()) {
        ACT_TRY(manifest_, manifest_file::create(call.world.absolute(given.manifest_out), call.verb.name, u));
    }
    if (!given.failed_out.empty()) {
        ACT_TRY(lines_aside lines, lines_aside::create(call.world.absolute(given.failed_out), u));
        failures_.emplace(std::move(lines));
    }
    return {};
}

void outcome_files::enter(std::string prefix, std::string alone) {
    std::lock_guard lock(mutex_);
    prefix_ = std::move(prefix);
    alone_ = std::move(alone);
}

item_name outcome_files::full(const item_name& item) const {
    std::lock_guard lock(mutex_);
    auto name = [&](const std::string& relative) {
        if (relative.empty()) return alone_;
        return prefix_.empty() ? relative : prefix_ + '/' + relative;
    };
    return {name(item.source), name(item.destination)};
}

void outcome_files::recorded(const record& r) {
    const item_name name = full(r.item);
    manifest_->add(name.destination, name.source, r);
}

void outcome_files::failed(std::string_view line) {
    std::lock_guard lock(mutex_);
    ++failed_;
    if (failures_) failures_->add(line);
}

void outcome_files::doubt(const item_name& item) {
    if (manifest_ && before_) manifest_->doubt(full(item).destination);
}

result<void> outcome_files::publish(bool complete, bool with_manifest) {
    std::lock_guard lock(mutex_);
    // Both, whatever becomes of the first.
    auto manifest = manifest_ && with_manifest ? manifest_->publish(complete, destination_, before_.get())
                                               : result<void>();
    auto failures = failures_ ? failures_->publish() : result<void>();
    return manifest ? failures : manifest;
}

std::vector<std::string> below_common_folder(const std::vector<std::string>& paths) {
    std::vector<std::vector<std::string>> all;
    for (const auto& text : paths) {
        std::vector<std::string>& parts = all.emplace_back();
        for (const auto& part : std::filesystem::path(text).lexically_normal()) {
            if (!part.empty() && part != "/" && part != ".") parts.push_back(part.string());
        }
    }
    std::size_t shared = all.empty() || all[0].empty() ? 0 : all[0].size() - 1;
    for (const auto& parts : all) {
        shared = std::min(shared, parts.empty() ? 0 : parts.size() - 1);
        const auto differs = std::mismatch(
            all[0].begin(), all[0].begin() + static_cast<std::ptrdiff_t>(shared), parts.begin());
        shared = static_cast<std::size_t>(differs.first - all[0].begin());
    }
    std::vector<std::string> out;
    for (const auto& parts : all) {
        std::string& name = out.emplace_back();
        for (std::size_t i = shared; i < parts.size(); ++i) name += (i > shared ? "/" : "") + parts[i];
    }
    return out;
}

}  // namespace act::cli
