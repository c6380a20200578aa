#include <fmt/format.h>

#include "engine/file/name_sorter.hpp"
#include "transfer/mover/mover.hpp"
#include "transfer/ops/blob_part.hpp"
#include "transfer/ops/file_hash.hpp"
#include "transfer/ops/listed.hpp"
#include "transfer/ops/tree_side.hpp"

namespace act::ops {

namespace {

using plan::content_hash;

/// What a manifest says of one item.
struct expectation {
    std::string name;
    std::optional<std::uint64_t> size;
    std::string etag, hash;
    bool folder = false;
};

/// The name so that its bytes sort by `order`, without NULs: '/' is the least of all, and what it takes the
/// place of comes next.
std::string sortable(const std::string& name, name_order order) {
    if (order == name_order::bytes) return name;
    std::string out;
    for (const char c : name) {
        if (c == '/' || c == '\1') out += '\1';
        out += c == '/' ? '\1' : c == '\1' ? '\2' : c;
    }
    return out;
}

std::string unsortable(std::string text, name_order order) {
    if (order == name_order::bytes) return text;
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool pair = text[i] == '\1' && ++i < text.size();
        out += !pair ? text[i] : text[i] == '\1' ? '/' : '\1';
    }
    return out;
}

/// As the sorter keeps it: the name, a NUL (which sorts before all that a name can go on with), the rest.
std::string packed(const plan::listed_item& item, name_order order) {
    return fmt::format("{}{}{}{}{}{}{}{}{}", sortable(item.destination, order), '\0', item.folder ? 'd' : 'f',
                       '\0', item.size ? fmt::format("{}", *item.size) : "", '\0', item.etag.text, '\0',
                       item.hash);
}

expectation unpacked(std::string_view text, name_order order) {
    auto field = [&text] {
        const auto end = std::min(text.find('\0'), text.size());
        std::string out(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        return out;
    };
    expectation out;
    out.name = unsortable(field(), order);
    out.folder = field() == "d";
    if (const std::string size = field(); !size.empty()) out.size = std::stoull(size);
    out.etag = field();
    out.hash = field();
    return out;
}

error not_comparable(const std::string& name) {
    return error(kind::unsupported,
                 "'" + name +
                     "' cannot be compared by content: the store has no hash of the kind that the "
                     "manifest has",
                 "compare it by its ETag, without --hash, or check a downloaded copy");
}

class manifest_check {
public:
    manifest_check(operation& op, mover& m, const tree_end& end, manifest_options options)
        : op_(op), mover_(m), end_(end), options_(options) {}

    task<result<void>> run(plan::item_list& list) {
        auto side = tree_side::open(op_, end_, {});
        auto outcome = co_await compare_all(list, *side);
        co_await side->close();
        co_return outcome;
    }

    check_summary tally() const {
        check_summary out;
        out.same = same_, out.bytes_same = bytes_same_, out.by_size = by_size_;
        out.differ = differ_, out.missing = missing_, out.extra = extra_;
        return out;
    }

private:
    static constexpr std::size_t longest_entry = 60'000;

    task<result<void>> compare_all(plan::item_list& list, tree_side& side) {
        const auto known = co_await side.order();
        if (!known && known.error().kind() != kind::not_found) co_return known.error();
        if (known && *known) order_ = **known;
        side.come_by(order_);
        file::name_sorter sorter(sort_memory());
        for (;;) {
            ACT_CO_TRY(auto items, co_await next_items(op_, list));
            if (items.empty()) break;
            for (const auto& item : items) {
                std::string text = packed(item, order_);
                if (text.size() > longest_entry) {
                    op_.refused(item.place, error(kind::usage, "the entry is too long"));
                    continue;
                }
                op_.found(item.size.value_or(0));
                sorter.add(text, file::name_kind::file);
            }
        }
        op_.context().progress.scan_finished = true;
        file::sorted_names wanted = sorter.finish();
        auto outcome = co_await merge(wanted, side);
        if (outcome && !wanted.whole()) {
            outcome = error(kind::io, "the manifest could not be sorted in a temporary file",
                            "see whether TMPDIR has space");
        }
        co_return outcome;
    }

    std::size_t sort_memory() const {
        return std::min<std::size_t>(std::size_t{32} << 20, op_.context().buffers.budget() / 8);
    }

    task<result<void>> merge(file::sorted_names& wanted, tree_side& side) {
        auto first = co_await side.next();
        if (!first && first.error().kind() != kind::not_found) co_return first.error();
        std::optional<side_item> there;
        if (first) there = std::move(*first);
        if (there && there->name.empty() && !there->folder) {
            co_return error(kind::usage, "the names of a manifest are below a folder, and a file was named",
                            "name the folder");
        }
        std::string last;
        while (const auto* next = wanted.peek()) {
            ACT_CO_TRY_VOID(op_.patience().check());
            const expectation one = unpacked(next->name, order_);
            wanted.pop();
            while (there && act::compare(order_, there->name, one.name) < 0) {
                note_extra(*there, last);
                ACT_CO_TRY(there, co_await side.next());
            }
            last = one.name;
            if (there && there->name == one.name) {
                // Kept: a manifest made by hand may name it once more.
                ACT_CO_TRY_VOID(co_await compare(one, *there));
            } else {
                ACT_CO_TRY(const bool stands, co_await stands_as_folder(one));
                stands ? same(one.size.value_or(0))
                       : report(missing_, "missing", one.name, one.size.value_or(0));
            }
        }
        while (there) {
            note_extra(*there, last);
            ACT_CO_TRY(there, co_await side.next());
        }
        co_return result<void>();
    }

    /// A folder that has something in it by now is none of a local side's items.
    task<result<bool>> stands_as_folder(const expectation& one) {
        if (!one.folder || end_.there) co_return false;
        const std::string path = end_.local + '/' + one.name;
        auto look = [&path] { return file::stat_of(path); };
        auto there = co_await op_.context().runtime.blocking(look);
        co_return there && there->type == file::type::directory;
    }

    task<result<void>> compare(const expectation& one, const side_item& there) {
        const std::uint64_t size = one.size.value_or(there.size);
        if (one.folder || there.folder) {
            one.folder == there.folder ? same(0) : report(differ_, "size", one.name, size);
            co_return result<void>();
        }
        if (size != there.size) {
            report(differ_, "size", one.name, size);
            co_return result<void>();
        }
        const bool tagged = there.blob && !one.etag.empty();
        if (tagged && there.blob->etag.text == one.etag) {
            same(size);
            co_return result<void>();
        }
        if (tagged && !options_.compare_content) {
            report(differ_, "etag", one.name, size);
            co_return result<void>();
        }
        const bool by_content = !one.hash.empty() && (there.local || options_.compare_content);
        if (!by_content && !tagged) {
            ++by_size_;
            same(size);
            co_return result<void>();
        }
        const auto hash = plan::parse_content_hash(one.hash);
        if (!hash) {
            op_.failed(one.name, not_comparable(one.name), {one.name, one.name});
            co_return result<void>();
        }
        std::unique_ptr<job> look = std::make_unique<content_check>(*this, one.name, *hash, there);
        co_return co_await mover_.submit(std::move(look));
    }

    class content_check final : public job {
    public:
        content_check(manifest_check& owner, std::string name, content_hash wanted, side_item there)
            : owner_(owner), name_(std::move(name)), wanted_(std::move(wanted)), there_(std::move(there)) {}
        task<void> run() override {
            operation& op = owner_.op_;
            if (op.stop().requested()) co_return;
            auto found = there_.blob ? co_await of_blob() : co_await of_file();
            if (!found) {
                op.failed(name_, found.error(), {name_, name_});
            } else if (found->empty()) {
                op.failed(name_, not_comparable(name_), {name_, name_});
            } else if (*found == wanted_.text) {
                owner_.same(there_.size);
            } else {
                owner_.report(owner_.differ_, "content", name_, there_.size);
            }
        }

    private:
        /// In the form of the manifest; empty where the store has no such thing.
        task<result<std::string>> of_blob() {
            if (wanted_.form == content_hash::form::md5) co_return plan::md5_hash(there_.blob->content.md5);
            if (wanted_.form == content_hash::form::crc64) co_return std::string();
            const remote& at = *owner_.end_.there;
            const blob::address where{at.container, there_.blob->name};
            ACT_CO_TRY(auto blocks,
                       co_await own_blocks(at.client, where, *there_.blob, owner_.op_.patience()));
            if (!blocks) co_return std::string();
            std::string hash = plan::blocks_hash(*blocks);
            // Cut at other places, hashes tell nothing.
            const bool same_form =
                hash.substr(0, hash.find(':')) == wanted_.text.substr(0, wanted_.text.find(':'));
            co_return same_form ? hash : std::string();
        }

        task<result<std::string>> of_file() {
            const std::string path = owner_.end_.local + '/' + name_;
            co_return co_await file_hash(owner_.op_.context(), path, there_.size, wanted_,
                                         owner_.op_.patience());
        }

        manifest_check& owner_;
        const std::string name_;
        const content_hash wanted_;
        const side_item there_;
    };

    void same(std::uint64_t size) {
        ++same_;
        bytes_same_ += size;
        op_.advance(size);
    }
    void report(std::atomic<std::uint64_t>& count, std::string_view what, std::string_view name,
                std::uint64_t size) {
        ++count;
        op_.advance(size);
        op_.context().observer.item(what, name, size);
    }
    void note_extra(const side_item& item, const std::string& last) {
        if (options_.extra && !item.occupied && item.name != last)
            report(extra_, "extra", item.name, item.size);
    }

    operation& op_;
    mover& mover_;
    const tree_end& end_;
    manifest_options options_;
    name_order order_ = name_order::bytes;
    std::atomic<std::uint64_t> same_{0}, bytes_same_{0}, by_size_{0}, differ_{0}, missing_{0}, extra_{0};
};

}  // namespace

task<result<check_summary>> check_manifest(context& ctx, plan::item_list& list, tree_end end,
                                           manifest_options options) {
    operation op(ctx);
    op.between({}, {});
    mover::options lanes;
    lanes.lanes = ctx.concurrency;
    mover scheduler(ctx.runtime, lanes, op.stop());
    manifest_check looks(op, scheduler, end, options);
    auto outcome = co_await looks.run(list);
    if (!outcome) op.give_up(outcome.error());
    co_await scheduler.finish();
    ACT_CO_TRY(const summary seen, op.finish());
    check_summary found = looks.tally();
    found.failed = seen.failed;
    found.stopped = seen.stopped;
    co_return found;
}

}  // namespace act::ops
