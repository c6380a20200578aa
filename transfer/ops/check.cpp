#include "transfer/mover/mover.hpp"
#include "transfer/ops/compare.hpp"

namespace act::ops {

namespace {

class checker final : public pair_sink {
public:
    checker(operation& op, mover& m, const tree_end& source, const tree_end& destination,
            const check_options& options)
        : op_(op), mover_(m), source_(source), destination_(destination), options_(options) {}

    task<result<void>> pair(side_item* a, side_item* b) override {
        const side_item& one = a ? *a : *b;
        if (one.occupied) co_return result<void>();  // what is in it tells
        op_.found(one.size);
        if (!a || !b) {
            report(a ? missing_ : extra_, a ? "missing" : "extra", one);
            co_return result<void>();
        }
        const bool comparable = !a->folder && !b->folder && a->size == b->size;
        if (!comparable || !options_.compare_content) {
            decide(*a, unchanged(*a, *b));
            co_return result<void>();
        }
        std::unique_ptr<job> look = std::make_unique<content_check>(*this, std::move(*a), std::move(*b));
        co_return co_await mover_.submit(std::move(look));
    }

    check_summary tally() const {
        check_summary out;
        out.same = same_, out.bytes_same = bytes_same_;
        out.differ = differ_, out.missing = missing_, out.extra = extra_;
        return out;
    }

private:
    class content_check final : public job {
    public:
        content_check(checker& owner, side_item a, side_item b)
            : owner_(owner), a_(std::move(a)), b_(std::move(b)) {}
        task<void> run() override {
            operation& op = owner_.op_;
            if (op.stop().requested()) co_return;
            auto same = co_await same_content(op, owner_.source_, a_, owner_.destination_, b_);
            if (!same) {
                op.failed(a_.name, same.error());
            } else if (!*same) {
                op.failed(a_.name, error(kind::unsupported,
                                         "'" + a_.name +
                                             "' cannot be compared by content: the store has "
                                             "neither our hashes nor an MD5 of it",
                                         "compare it by size and time, or upload it again"));
            } else {
                owner_.decide(a_, **same);
            }
        }

    private:
        checker& owner_;
        side_item a_, b_;
    };

    void decide(const side_item& item, bool same) {
        if (!same) return report(differ_, "differ", item);
        ++same_;
        bytes_same_ += item.size;
        op_.advance(item.size);
    }
    void report(std::atomic<std::uint64_t>& count, std::string_view what, const side_item& item) {
        ++count;
        op_.advance(item.size);
        op_.context().observer.item(what, item.name, item.size);
    }

    operation& op_;
    mover& mover_;
    const tree_end& source_;
    const tree_end& destination_;
    const check_options& options_;
    std::atomic<std::uint64_t> same_{0}, bytes_same_{0}, differ_{0}, missing_{0}, extra_{0};
};

}  // namespace

task<result<check_summary>> check(context& ctx, tree_end source, tree_end destination,
                                  check_options options) {
    operation op(ctx);
    mover::options lanes;
    lanes.lanes = ctx.concurrency;
    mover scheduler(ctx.runtime, lanes, op.stop());
    checker looks(op, scheduler, source, destination, options);
    auto outcome = co_await walk_pairs(op, source, destination, options.wanted, looks);
    // What could not be read has been reported; what could is worth knowing.
    const bool partly = !outcome && outcome.error().kind() == kind::io;
    if (!outcome && !partly) op.give_up(outcome.error());
    co_await scheduler.finish();
    ctx.progress.scan_finished = true;
    ACT_CO_TRY(const summary seen, op.finish());
    check_summary found = looks.tally();
    found.failed = seen.failed;
    found.stopped = seen.stopped;
    co_return found;
}

}  // namespace act::ops
