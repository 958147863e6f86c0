/// What a program's surroundings give its command line; the main file fills it in.
package struct Console {
  /// Hands bytes over, all of them, or says why it can't.
  package typealias Sink = ([UInt8]) throws(SinkError) -> Void

  /// The value of an environment variable, `nil` where it isn't set.
  package let environment: (String) -> String?
  /// Standard output: data, and nothing else.
  package let output: Sink
  /// Standard error: talk.
  package let talk: Sink
  package let outputIsTerminal: Bool
  package let talkIsTerminal: Bool
  /// The terminal's columns; 80 where nobody knows.
  package let width: Int
  /// The terminal's lines; 24 where nobody knows.
  package let height: Int
  /// Nanoseconds that never go back; progress is told by them.
  package let monotonicNanoseconds: () -> UInt64
  /// Starts the command that shows output page by page; `nil` where that fails.
  package let startPager: (_ command: String) -> Pager?

  package init(
    environment: @escaping (String) -> String?, output: @escaping Sink, talk: @escaping Sink,
    outputIsTerminal: Bool, talkIsTerminal: Bool, width: Int, height: Int = 24,
    monotonicNanoseconds: @escaping () -> UInt64 = { 0 },
    startPager: @escaping (String) -> Pager? = { _ in nil }
  ) {
    self.environment = environment
    self.output = output
    self.talk = talk
    self.outputIsTerminal = outputIsTerminal
    self.talkIsTerminal = talkIsTerminal
    self.width = width
    self.height = height
    self.monotonicNanoseconds = monotonicNanoseconds
    self.startPager = startPager
  }
}

/// What shows output page by page.
package struct Pager {
  /// Takes bytes to show.
  package let output: Console.Sink
  /// Waits until the reader has seen enough; false where there never was a pager.
  package let finish: () -> Bool

  package init(output: @escaping Console.Sink, finish: @escaping () -> Bool) {
    self.output = output
    self.finish = finish
  }
}

/// Why a stream takes no more bytes.
package enum SinkError: Error, Hashable, Sendable {
  /// Whoever read a pipe went away (EPIPE): nobody is left to be told.
  case readerIsGone
  /// - Parameter code: The C library's `errno`.
  case failed(code: Int32)
}

/// How a line or row stands out where colour is wanted.
package enum Style: Int, Sendable {
  // The raw values are the parameters of SGR (ECMA-48 §8.3.117).
  case strong = 1
  case muted = 2
  case bad = 31
  case good = 32
  case doubtful = 33
}
