#include "transfer/ops/compare.hpp"

#include "transfer/plan/attributes.hpp"

namespace act::ops {

namespace {

/// Whether a local end has the folder that only the other end lists.
task<result<bool>> stands(operation& op, const tree_end& end, const side_item& item) {
    if (end.there || !item.folder) co_return false;
    std::string path = end.local + '/' + item.name;
    auto look = [&path] { return file::stat_of(path); };
    auto there = co_await op.context().runtime.blocking(look);
    co_return there && there->type == file::type::directory;
}

class pair_walk {
public:
    pair_walk(operation& op, const tree_end& source, const tree_end& destination,
              const plan::selection& wanted, pair_sink& sink)
        : op_(op),
          source_end_(source),
          destination_end_(destination),
          source_(tree_side::open(op, source, wanted)),
          destination_(tree_side::open(op, destination, wanted)),
          sink_(sink) {}

    task<result<void>> run() {
        auto outcome = co_await merge();
        co_await source_->close();
        co_await destination_->close();
        co_return outcome;
    }

private:
    task<result<void>> merge() {
        ACT_CO_TRY(const name_order order, co_await agree_on_order(*source_, *destination_));
        ACT_CO_TRY(auto ours, co_await source_->next());
        auto first = co_await destination_->next();
        // A destination that is not there has nothing.
        if (!first && first.error().kind() != kind::not_found) co_return first.error();
        std::optional<side_item> theirs;
        if (first) theirs = std::move(*first);
        while (ours || theirs) {
            ACT_CO_TRY_VOID(op_.patience().check());
            const int first_is = !ours ? 1 : !theirs ? -1 : compare(order, ours->name, theirs->name);
            side_item* left = first_is <= 0 ? &*ours : nullptr;
            side_item* right = first_is >= 0 ? &*theirs : nullptr;
            bool on_both = false;
            if (!left) {
                ACT_CO_TRY(on_both, co_await stands(op_, source_end_, *right));
            } else if (!right) {
                ACT_CO_TRY(on_both, co_await stands(op_, destination_end_, *left));
            }
            if (!on_both) {
                ACT_CO_TRY_VOID(co_await sink_.pair(left, right));
            }
            if (left) {
                ACT_CO_TRY(ours, co_await source_->next());
            }
            if (right) {
                ACT_CO_TRY(theirs, co_await destination_->next());
            }
        }
        if (!source_->complete() || !destination_->complete()) {
            co_return error(kind::io, "not everything could be read", "see the failures above");
        }
        co_return result<void>();
    }

    operation& op_;
    const tree_end& source_end_;
    const tree_end& destination_end_;
    std::unique_ptr<tree_side> source_, destination_;
    pair_sink& sink_;
};

}  // namespace

bool unchanged(const side_item& source, const side_item& destination) {
    if (source.folder || destination.folder) return source.folder == destination.folder;
    if (source.local && destination.blob) {
        return plan::unchanged_for_upload(*source.local, *destination.blob);
    }
    if (source.blob && destination.local) {
        return plan::unchanged_for_download(*source.blob, *destination.local);
    }
    if (source.size != destination.size) return false;
    if (source.local) {
        return source.local->type == destination.local->type &&
               source.local->modified == destination.local->modified;
    }
    return plan::unchanged_for_copy(*source.blob, *destination.blob);
}

task<result<void>> walk_pairs(operation& op, const tree_end& source, const tree_end& destination,
                              const plan::selection& wanted, pair_sink& sink) {
    pair_walk both(op, source, destination, wanted, sink);
    co_return co_await both.run();
}

}  // namespace act::ops
