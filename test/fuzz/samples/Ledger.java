package org.example.ledger;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Accounts and what was paid into them. Not safe for several threads.
 *
 * @param <K> what an account is called by
 */
public final class Ledger<K extends Comparable<K>> {
    private static final int SCALE = 2;

    private final Map<K, List<Entry>> entries = new TreeMap<>();

    /** One payment: positive where the account got it. */
    public record Entry(long day, BigDecimal amount, String note) {
        public Entry {
            if (amount.scale() > SCALE) {
                throw new IllegalArgumentException("more than " + SCALE + " digits: " + amount);
            }
        }

        boolean isAfter(long other) {
            return day > other;
        }
    }

    public void pay(K from, K to, Entry entry) {
        add(from, new Entry(entry.day(), entry.amount().negate(), entry.note()));
        add(to, entry);
    }

    private void add(K account, Entry entry) {
        entries.computeIfAbsent(account, (key) -> new ArrayList<>()).add(entry);
    }

    public BigDecimal balance(K account) {
        BigDecimal sum = BigDecimal.ZERO;
        for (Entry entry : entries.getOrDefault(account, Collections.emptyList())) {
            sum = sum.add(entry.amount());
        }
        return sum.setScale(SCALE);
    }

    public Optional<Entry> last(K account, Predicate<? super Entry> wanted) {
        List<Entry> all = entries.get(account);
        if (all == null) {
            return Optional.empty();
        }
        for (int i = all.size() - 1; i >= 0; --i) {
            if (wanted.test(all.get(i))) {
                return Optional.of(all.get(i));
            }
        }
        return Optional.empty();
    }

    public Map<K, BigDecimal> overdrawn() {
        return entries.keySet().stream()
                .filter((account) -> balance(account).signum() < 0)
                .collect(Collectors.toMap((account) -> account, this::balance, (a, b) -> a, TreeMap::new));
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        entries.forEach((account, list) -> {
            text.append(account).append(": ");
            switch (list.size()) {
                case 0:
                    text.append("nothing");
                    break;
                case 1:
                    text.append("1 entry");
                    break;
                default:
                    text.append(list.size()).append(" entries");
            }
            text.append(list.isEmpty() ? "" : ", since day " + list.get(0).day()).append('\n');
        });
        return text.toString();
    }
}
