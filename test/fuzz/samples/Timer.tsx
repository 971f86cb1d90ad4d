import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";

interface TimerProps<T extends string = string> {
  readonly name: T;
  readonly seconds?: number;
  readonly children?: ReactNode;
  readonly onEnd?: (name: T, late: boolean) => void;
}

const pad = (n: number): string => String(n).padStart(2, "0");

/** Counts down, and says so when it has come to nought. */
export function Timer<T extends string>({ name, seconds = 60, children, onEnd }: TimerProps<T>): JSX.Element {
  const [left, setLeft] = useState<number>(seconds);
  const [isRunning, setRunning] = useState(false);
  const ended = useRef<Set<T>>(new Set());

  const reset = useCallback(() => {
    setLeft(seconds);
    setRunning(false);
  }, [seconds]);

  useEffect(() => {
    if (!isRunning) {
      return undefined;
    }
    const timer = setInterval(() => setLeft((now) => Math.max(0, now - 1)), 1000);
    return () => clearInterval(timer);
  }, [isRunning]);

  useEffect(() => {
    if (left === 0 && !ended.current.has(name)) {
      ended.current.add(name);
      onEnd?.(name, false);
    }
  }, [left, name, onEnd]);

  if (left === 0) {
    return (
      <div className="timer timer--ended" role="alert">
        <strong>{name}</strong> has ended, hasn't it?
        <button type="button" onClick={reset}>
          Again
        </button>
      </div>
    );
  }

  return (
    <div className={`timer ${isRunning ? "timer--running" : ""}`} style={{ opacity: left < 10 ? 0.5 : 1 }}>
      <h2 title={`${name}: ${left} seconds`}>{name}</h2>
      <output aria-live="polite">
        {pad(Math.floor(left / 60))}:{pad(left % 60)}
      </output>
      <ul>
        {[10, 30, 60].map((more) => (
          <li key={more}>
            <button onClick={() => setLeft((now) => now + more)}>+{more}</button>
          </li>
        ))}
      </ul>
      {children ?? <p>Nothing to say about it.</p>}
      <input type="checkbox" checked={isRunning} onChange={(event) => setRunning(event.target.checked)} />
    </div>
  );
}
