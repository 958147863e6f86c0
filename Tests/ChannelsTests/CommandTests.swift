import Bytes
import Channels
import Dispatching
import Events
import Foundation
import Platform
import Testing

@Suite("A command that carries notices", .timeLimit(.minutes(30)))
struct CommandTests {
  private func sending(_ command: String? = nil, timeout: String = "PT10S") throws -> Sending {
    let carrier =
      command ?? "exec \(TestServer.python) \(TestServer.servers.path)/carrier.py"
    return try Sending(#"{"kind":"command","command":"\#(carrier)","timeout":"\#(timeout)"}"#)
  }

  @Test("answers by attempt, from one process, whatever is between its lines")
  func answers() throws {
    let sending = try sending()
    #expect(sending.sender.check(sending.code) == .works)
    let addresses = ["a", "refused", "b", "nonsense", "ä\r\nü"]
    let messages = try addresses.enumerated().map {
      try message(to: $0.element, attempt: EventID($0.offset + 50))
    }
    let outcomes = try sending.send(messages)
    let first = try #require(outcomes[50]?.report)
    #expect(first.outcome == .delivered && first.evidence == .confirmedByCarrier)
    #expect(first.detail == "a" && first.occurredAt?.text == "2026-11-23T17:23:58.000000Z")
    #expect(first.providerID?.hasPrefix("d-1:1:u-1:test ") == true)
    #expect(outcomes[52]?.report?.providerID == first.providerID)
    #expect(
      outcomes[51]?.report
        == ChannelReport(outcome: .failed, evidence: .none, code: "E7", isRetryable: false))
    #expect(outcomes[53]?.report?.outcome == .delivered)
    // What it wrote of the last one holds a control character, and so is no answer.
    #expect(outcomes[54] == nil || outcomes[54] == .unknown(.timeout))
    let bad = sending.notes.filter { if case .badAnswer = $0 { true } else { false } }
    #expect(bad.count == 4)
  }

  @Test(
    "that ends with messages in flight leaves them unknown, and is started again, but not at once")
  func death() throws {
    let sending = try sending()
    let outcomes = try sending.send(
      ["silent", "die", "a"].enumerated().map {
        try message(to: $0.element, attempt: EventID($0.offset + 1))
      })
    #expect(outcomes == [1: .unknown(.timeout), 2: .unknown(.timeout), 3: .unknown(.timeout)])
    #expect(sending.notes == [.commandEnded(sending.code, unanswered: 3)])
    #expect(sending.sender.room(on: sending.code) == 0)
    let down = try #require(try sending.send(try message(to: "a", attempt: 4)).report)
    #expect(down.code == "command-down" && down.isRetryable == true)
    while sending.sender.room(on: sending.code) == 0 {
      _ = sending.sender.finished(waitingMilliseconds: 10)
    }
    #expect(
      try sending.send(try message(to: "a", attempt: 5)).report?.outcome == .delivered)
  }

  @Test("that is silent, floods, or isn't there is no hang")
  func silence() throws {
    let silent = try sending(timeout: "PT1S")
    #expect(try silent.send(try message(to: "silent")) == .unknown(.timeout))
    #expect(try silent.send(try message(to: "a")).report?.outcome == .delivered)
    let flooding = try sending()
    #expect(try flooding.send(try message(to: "flood")) == .unknown(.timeout))
    let missing = try sending("exec /nowhere/carrier")
    #expect(try missing.send(try message(to: "a")) == .unknown(.timeout))
    #expect(missing.sender.check(missing.code) == .fails("it ended with status 127"))
  }
}

@Suite("What channels go by", .timeLimit(.minutes(30)))
struct PaceTests {
  @Test("a limit a second lets through no more in any second, and doesn't save up")
  func bucket() {
    var bucket = TokenBucket(perSecond: 3, now: 1_000)
    func take(_ now: UInt64) -> Int {
      let count = bucket.available(at: now)
      for _ in 0..<count { bucket.take(at: now) }
      return count
    }
    #expect(take(1_000) == 3)
    #expect(take(1_000) == 0)
    #expect(take(333_334_333) == 0)
    #expect(take(333_334_334) == 1)
    // A clock that went back adds nothing.
    #expect(take(5) == 0)
    #expect(take(60_000_000_000) == 3)
    #expect(take(.max) == 3)
  }

  @Test("room is what concurrency and the limit a second leave, and none where no channel is")
  func room() throws {
    let sending = try Sending(
      #"{"kind":"command","command":"cat >&2","concurrency":3,"per_second":2,"timeout":"PT1S"}"#)
    #expect(sending.sender.room(on: sending.code) == 2)
    sending.sender.begin(try message(to: "a", attempt: 1))
    #expect(sending.sender.room(on: sending.code) == 1)
    #expect(sending.sender.inFlight == 1)
    sending.sender.begin(try message(to: "a", attempt: 2))
    #expect(sending.sender.room(on: sending.code) == 0)
    #expect(sending.sender.room(on: try #require(ChannelCode("other"))) == 0)
  }

  @Test("the alarm ends a wait, from another thread too, and only one")
  func alarm() throws {
    let sending = try Sending(#"{"kind":"console"}"#)
    let alarm = sending.sender.alarm
    Thread.detachNewThread { alarm.ring() }
    #expect(sending.sender.finished(waitingMilliseconds: 600_000).isEmpty)
    sending.sender.wakeUp()
    #expect(sending.sender.finished(waitingMilliseconds: 600_000).isEmpty)
    #expect(sending.sender.finished(waitingMilliseconds: 1).isEmpty)
  }

  @Test("an address is public or not by the registries' first and last of each network")
  func addresses() throws {
    let guarding = AddressGuard(allowed: [])
    let edges =
      [
        ("0.0.0.0", "0.255.255.255", nil, "1.0.0.0"),
        ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
        ("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"),
        ("127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"),
        ("169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"),
        ("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"),
        ("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"),
        ("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"),
        ("224.0.0.0", "255.255.255.255", "223.255.255.255", nil),
        ("::", "::1", nil, "2606:4700::1111"),
        ("::ffff:10.0.0.1", "::ffff:8.8.8.8", nil, nil),
        ("64:ff9b::10.0.0.1", "64:ff9b::169.254.0.1", nil, "64:ff9b::8.8.8.8"),
        ("2002:7f00:1::", "2002:c0a8:101::", nil, "2002:808:808::"),
        ("fc00::", "fdff:ffff::1", "fbff::1", "fe00::1"),
        ("fe80::", "febf:ffff::1", nil, nil), ("ff00::", "ffff::1", nil, nil),
      ] as [(String, String, String?, String?)]
    for (first, last, before, after) in edges {
      for text in [first, last] {
        #expect(!guarding.permits(try #require(NetworkAddress(text))), "\(text)")
      }
      for text in [before, after].compactMap({ $0 }) {
        #expect(guarding.permits(try #require(NetworkAddress(text))), "\(text)")
      }
    }
    let listed = AddressGuard(allowed: [try #require(Network("10.1.0.0/16"))])
    for (text, isPermitted) in [
      ("10.1.2.3", true), ("10.2.0.0", false), ("::ffff:10.1.0.1", true), ("127.0.0.1", false),
      ("8.8.8.8", true),
    ] {
      #expect(listed.permits(try #require(NetworkAddress(text))) == isPermitted, "\(text)")
    }
    for text in [
      "10.1.0.0", "10.1.0.0/33", "10.1.0.1/16", "x/8", "10.1.0.0/-1", "fd00::/129", "/8",
    ] {
      #expect(Network(text) == nil, "\(text)")
    }
    #expect(NetworkAddress("10.1") == nil && NetworkAddress("") == nil)
  }
}
