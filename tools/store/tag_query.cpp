#include "tools/store/tag_query.hpp"

#include "engine/http/message.hpp"
#include "tools/store/record.hpp"

namespace act::store {

struct tag_query::node {
    enum class form { compare, both, either, invert } form = form::compare;
    std::string key, comparison, value;
    std::shared_ptr<const node> left, right;
};

namespace {

using node = tag_query::node;
using node_ptr = std::shared_ptr<const node>;

constexpr unsigned deepest = 64;

class parser {
public:
    explicit parser(std::string_view text) : rest_(text) {}

    node_ptr whole() {
        node_ptr n = either(0);
        space();
        return rest_.empty() ? n : nullptr;
    }

private:
    void space() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
    }

    bool word(std::string_view w) {
        space();
        if (rest_.size() < w.size() || !http::same_name(rest_.substr(0, w.size()), w)) return false;
        const char after = rest_.size() > w.size() ? rest_[w.size()] : ' ';
        if (after != ' ' && after != '(' && after != '"' && after != '@') return false;
        rest_.remove_prefix(w.size());
        return true;
    }

    bool symbol(std::string_view s) {
        space();
        if (!rest_.starts_with(s)) return false;
        rest_.remove_prefix(s.size());
        return true;
    }

    std::optional<std::string> quoted(char quote) {
        space();
        if (!rest_.starts_with(quote)) return {};
        std::string out;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] != quote) {
                out += rest_[i];
            } else if (quote == '\'' && i + 1 < rest_.size() && rest_[i + 1] == quote) {
                out += rest_[i++];
            } else {
                rest_.remove_prefix(i + 1);
                return out;
            }
        }
        return {};
    }

    static node_ptr join(enum node::form f, node_ptr l, node_ptr r) {
        auto n = std::make_shared<node>();
        n->form = f;
        n->left = std::move(l);
        n->right = std::move(r);
        return n;
    }

    node_ptr either(unsigned depth) {
        node_ptr left = both(depth);
        while (left && word("OR")) {
            node_ptr right = both(depth);
            left = right ? join(node::form::either, left, right) : nullptr;
        }
        return left;
    }

    node_ptr both(unsigned depth) {
        node_ptr left = one(depth);
        while (left && word("AND")) {
            node_ptr right = one(depth);
            left = right ? join(node::form::both, left, right) : nullptr;
        }
        return left;
    }

    node_ptr one(unsigned depth) {
        if (depth > deepest) return nullptr;
        if (word("NOT")) {
            node_ptr inner = one(depth + 1);
            return inner ? join(node::form::invert, inner, nullptr) : nullptr;
        }
        if (symbol("(")) {
            node_ptr inner = either(depth + 1);
            return inner && symbol(")") ? inner : nullptr;
        }
        auto n = std::make_shared<node>();
        if (symbol("@container")) {
            n->key = "@container";
        } else if (auto key = quoted('"')) {
            n->key = std::move(*key);
        } else {
            n->key = bare();
            if (n->key.empty()) return nullptr;
        }
        for (const char* comparison : {"<>", "<=", ">=", "=", "<", ">"}) {
            if (symbol(comparison)) {
                n->comparison = comparison;
                break;
            }
        }
        auto value = quoted('\'');
        if (n->comparison.empty() || !value) return nullptr;
        n->value = std::move(*value);
        return n;
    }

    std::string bare() {
        space();
        std::size_t n = 0;
        while (n < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[n])) || rest_[n] == '_'))
            ++n;
        std::string out(rest_.substr(0, n));
        rest_.remove_prefix(n);
        return out;
    }

    std::string_view rest_;
};

std::optional<std::string_view> value_of(std::string_view tags, std::string_view key) {
    std::string_view name, value;
    while (packed::next(tags, name, value)) {
        if (name == key) return value;
    }
    return {};
}

bool holds(const node& n, std::string_view tags, std::string_view container) {
    switch (n.form) {
        case node::form::both:
            return holds(*n.left, tags, container) && holds(*n.right, tags, container);
        case node::form::either:
            return holds(*n.left, tags, container) || holds(*n.right, tags, container);
        case node::form::invert:
            return !holds(*n.left, tags, container);
        case node::form::compare:
            break;
    }
    const auto mine = n.key == "@container" ? std::optional(container) : value_of(tags, n.key);
    if (!mine) return false;
    if (n.comparison == "=") return *mine == n.value;
    if (n.comparison == "<>") return *mine != n.value;
    if (n.comparison == "<") return *mine < n.value;
    if (n.comparison == "<=") return *mine <= n.value;
    if (n.comparison == ">") return *mine > n.value;
    return *mine >= n.value;
}

}  // namespace

std::optional<tag_query> tag_query::parse(std::string_view text) {
    node_ptr root = parser(text).whole();
    if (!root) return {};
    return tag_query(std::move(root));
}

bool tag_query::matches(std::string_view tags, std::string_view container) const {
    return holds(*root_, tags, container);
}

}  // namespace act::store
