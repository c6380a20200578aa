#include "tools/act/outcome_files.hpp"

#include <algorithm>
#include <filesystem>

#include "engine/core/utf8.hpp"
#include "tools/act/known_manifest.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

void tell_of_mark(invocation& call, const std::string& mark) {
    const auto& given = call.given;
    call.screen.problem(
        "warning: " + printable(given.manifest_in) +
        " is not believed: a run that began to change the destination has not told there what "
        "it did (" +
        printable(mark) + ")");
    call.screen.detail(std::string("  the destination is listed, as without --manifest-in") +
                       (given.delete_extras ? ", and what others added there is deleted, too" : ""));
    if (given.manifest_out.empty() && !given.dry_run)
        call.screen.detail("  with --manifest-out " + printable(given.manifest_in) + " it is written anew");
}

}  // namespace

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
        const std::string name = call.world.absolute(given.manifest_out);
        ACT_TRY(manifest_, manifest_file::create(name, call.verb.name, u));
        // Nobody believes later what went into a pipe or a device.
        if (begun_mark::fits(name)) out_.emplace(name);
    }
    if (!given.failed_out.empty()) {
        ACT_TRY(lines_aside lines, lines_aside::create(call.world.absolute(given.failed_out), u));
        failures_.emplace(std::move(lines));
    }
    return {};
}

result<void> outcome_files::goes_to(invocation& call, std::string destination, until u) {
    destination_ = std::move(destination);
    const options& given = call.given;
    if (given.manifest_in.empty()) {
        // From the first change on it is no more true than one that is believed.
        if (out_ && (out_->manifest_there() || out_->there())) return out_->take();
        return {};
    }
    // Before the manifest is read: what comes later is seen when the mark is made.
    in_.emplace(call.world.absolute(given.manifest_in));
    ACT_TRY(auto known, known_manifest::open(call, destination_, std::move(u)));
    const bool left = in_->there();
    if (known && left) tell_of_mark(call, in_->path());
    // Of two first runs at once one would publish what it has not seen the other do.
    if (!given.dry_run && (left || (!known && rolls()))) ACT_TRY_VOID(in_->take());
    if (!known || left) return {};
    known->tell([this] { return begin_changes(); },
                [this](const std::string& name) { doubt({.source = name, .destination = name}); });
    before_ = std::move(known);
    return {};
}

result<void> outcome_files::begin_changes() {
    std::lock_guard lock(marks_);
    ACT_TRY_VOID(in_->make());
    // One that is of the same destination: it is not true any more either.
    if (out_ && !rolls() && (out_->manifest_there() || out_->there())) return out_->take();
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

result<void> outcome_files::publish_manifest(bool complete) {
    if (!out_) return manifest_->publish(complete, destination_, before_.get());
    begun_mark& mark = rolls() ? *in_ : *out_;
    // Also where nothing was changed: another run may have published it meanwhile, or be about to change the
    // destination.
    if (!mark.held() && rolls()) ACT_TRY_VOID(mark.make());
    if (!mark.held() && mark.there()) ACT_TRY_VOID(mark.take());
    ACT_TRY_VOID(manifest_->publish(complete, destination_, before_.get()));
    mark.remove();
    return {};
}

std::string outcome_files::mark_left() const { return in_ && in_->held() ? in_->path() : std::string(); }

result<void> outcome_files::publish(bool complete, bool with_manifest) {
    std::lock_guard lock(mutex_);
    // Both, whatever becomes of the first.
    auto manifest = manifest_ && with_manifest ? publish_manifest(complete) : result<void>();
    // Without a manifest there is nothing that is not to be believed.
    if (in_ && in_->held() && !in_->manifest_there()) in_->remove();
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
