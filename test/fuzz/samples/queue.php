<?php

declare(strict_types=1);

namespace Example\Mail;

use DateTimeImmutable;
use InvalidArgumentException;

/**
 * Letters that wait to be sent.
 */
final class Queue implements \Countable
{
    public const MAX_TRIES = 3;

    /** @var array<int, array{to: string, body: string, tries: int}> */
    private array $letters = [];

    public function __construct(
        private readonly Sender $sender,
        private readonly ?string $from = null,
    ) {
    }

    public function add(string $to, string $body): int
    {
        if (!filter_var($to, FILTER_VALIDATE_EMAIL)) {
            throw new InvalidArgumentException("'{$to}' is no address");
        }
        $this->letters[] = ['to' => $to, 'body' => trim($body), 'tries' => 0];

        return array_key_last($this->letters);
    }

    public function count(): int
    {
        return count($this->letters);
    }

    /** @return list<string> who got a letter */
    public function send(DateTimeImmutable $now): array
    {
        $sent = [];
        foreach ($this->letters as $i => &$letter) {
            $letter['tries']++;
            try {
                $this->sender->send($this->from ?? 'nobody@example.org', $letter['to'], $letter['body']);
                $sent[] = $letter['to'];
                unset($this->letters[$i]);
            } catch (SendingFailed $e) {
                error_log(sprintf('%s: %s (%d of %d)', $now->format('c'), $e->getMessage(), $letter['tries'], self::MAX_TRIES));
                if ($letter['tries'] >= self::MAX_TRIES) {
                    unset($this->letters[$i]);
                }
            }
        }
        unset($letter);

        return array_values(array_unique($sent));
    }

    public function names(): string
    {
        $names = array_map(fn (array $letter): string => explode('@', $letter['to'])[0], $this->letters);

        return match (count($names)) {
            0 => 'nobody',
            1 => $names[0],
            default => implode(', ', array_slice($names, 0, -1)) . " and {$names[count($names) - 1]}",
        };
    }
}
