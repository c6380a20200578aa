#pragma once

#include <string>
#include <vector>

#include "transfer/ops/operation.hpp"
#include "transfer/plan/item_list.hpp"

/// What the operations on a list of items share.
namespace act::ops {

/// The next items: as many as there are without waiting, at most a few hundred, at least one; none at the
/// end. Lines that name no item are reported as failed ones.
task<result<std::vector<plan::listed_item>>> next_items(operation&, plan::item_list&);

/// Finds what stands at names below a place. Where the names are dense, which shows as it goes, pages of a
/// listing answer them; else each is a request of its own, many at a time. One call after the other.
class name_lookup {
public:
    struct options {
        bool tags = false;     ///< read them too
        bool ask_each = true;  ///< else what no page tells stays unknown
        /// Believe a page that passes over a name that nothing is there. Not for sources: where names do not
        /// come in the order of their bytes, it may only come later.
        bool absence_by_page = true;
    };
    name_lookup(operation& op, const remote& at, options how) : op_(op), at_(at), how_(how) {}

    struct answer {
        bool known = false;
        std::optional<blob::properties> there;  ///< known and empty: nothing
        std::optional<error> failed;            ///< this one could not be asked for
    };
    /// In the order of the names, which are relative. Fails when nothing can be found out at all.
    task<result<std::vector<answer>>> find(const std::vector<std::string>& names);
    /// From now on tags are left out: the credential does not allow them.
    bool tags_refused() const { return tags_refused_; }

private:
    task<result<void>> by_pages(const std::vector<std::string>& names, std::vector<answer>&);
    task<result<void>> fetch_page();
    bool answer_from_page(const std::string& name, answer&);
    task<void> ask(std::string name, answer&);

    operation& op_;
    remote at_;
    options how_;
    std::atomic<bool> tags_refused_{false};
    // The page tells of all names between its two ends.
    bool begun_ = false, paying_ = true, at_end_ = false;
    blob::list_page page_;
    std::string after_, last_, marker_;
    std::size_t hits_ = 0;
};

/// A listing of what is below a blob that has been found was refused: a SAS for that blob alone, or one that
/// does not allow to list. Then there is nothing below as far as this credential goes.
bool may_not_list(const error&);
/// A listing with tags was refused for them: not every credential may read them, and not every account has
/// them.
bool refuses_tags(const error&);
/// ... because the account has none: nothing is lost.
bool has_no_tags(const error&);

/// Makes the container of a destination that nothing is listed of, if it is missing and `create` is set; true
/// when it is missing all the same. One request; that it is not allowed proves nothing.
task<result<bool>> container_missing(operation&, const remote& to, bool create);

/// kind::precondition: the list tells another size.
error not_as_listed(const blob::address&, std::uint64_t there, std::uint64_t listed);
/// kind::precondition: the list tells another ETag.
error not_the_listed_version(const blob::address&);
/// Either of the two, where what stands there is not what the line tells of.
std::optional<error> not_as_told(const blob::address&, const plan::listed_item&,
                                 const blob::properties& there);
/// kind::not_found: what the list names is not there.
error not_there(const blob::address&);

}  // namespace act::ops
