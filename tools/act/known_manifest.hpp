#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "engine/async/stop.hpp"
#include "tools/act/copy_pairs.hpp"
#include "tools/act/line_source.hpp"
#include "transfer/plan/item_list.hpp"

namespace act::cli {

/// The file of --manifest-in, read as often as it is needed.
class known_manifest final : public plan::manifest {
public:
    /// Reads all of it once. Null, with a note for people, where there is no such file (yet). kind::usage for
    /// what is no manifest, is of another destination, or does not tell of which and is to say what is
    /// deleted; kind::io, with the line, for one that is damaged.
    static result<std::unique_ptr<known_manifest>> open(invocation&, const std::string& destination, until);

    result<void> begin() override;
    result<std::optional<plan::listed_item>> next() override;
    result<void> changing() override { return changing_ ? changing_() : result<void>(); }
    void doubt(const std::string& name) override {
        if (doubted_) doubted_(name);
    }

    /// Who wants to know of changing() and doubt().
    void tell(std::function<result<void>()> changing, std::function<void(const std::string&)> doubted) {
        changing_ = std::move(changing);
        doubted_ = std::move(doubted);
    }

private:
    known_manifest(std::string name, line_source lines, until u)
        : name_(std::move(name)), lines_(std::move(lines)), until_(std::move(u)) {}
    error damaged(std::string_view what) const;
    /// The first line, which says what it is.
    result<plan::manifest_mark> head();

    const std::string name_;
    line_source lines_;
    const until until_;
    bool checked_ = false;  ///< read to its end once: what is wrong now was not before
    bool placed_ = true;    ///< it tells of which destination it is
    std::string last_;
    std::uint64_t seen_ = 0;
    std::function<result<void>()> changing_;
    std::function<void(const std::string&)> doubted_;
};

/// kind::usage where --manifest-in goes with something that it is not for: `pairs` are what is transferred.
result<void> check_manifest_in(const options&, std::span<const copy_pair> pairs);
/// The same for `act u`, with so many paths.
result<void> check_manifest_in(const options&, std::size_t paths);

/// That it is not for transfers from a store.
error no_manifest_in_from_store();

/// How a manifest calls a place in a store: its URL, which is no other of the built-in one's ports.
std::string stored_place(const opened_account&, const ops::remote&);

}  // namespace act::cli
