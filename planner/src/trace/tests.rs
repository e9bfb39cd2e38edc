use std::io::Write;

use proptest::prelude::*;

use super::*;

fn read(format: Format, bytes: &[u8]) -> Result<Vec<Access>> {
    Reader::of(Input::of("trace", bytes), format)?.collect()
}

fn detected(name: &str, bytes: &[u8]) -> Result<Format> {
    Format::detect(Path::new(name), &mut Input::of(name, bytes))
}

fn ids(accesses: &[Access]) -> Vec<u64> {
    accesses.iter().map(|access| access.id).collect()
}

#[test]
fn each_format_gives_its_requests() {
    let ranges = read(Format::Lis, b"5 3 0 0\n9 1 0 0\n").unwrap();
    assert_eq!(ids(&ranges), [5, 6, 7, 9]);
    assert_eq!(ranges[0].size_bytes(), object::size_of(5));
    let sized = read(Format::Sized, b"1 0 68\n2 1 7454\n").unwrap();
    assert_eq!((sized[1].id, sized[1].value_bytes, sized[1].time_ms), (1, 7454, 2000));
    assert_eq!(ids(&read(Format::U32be, &[0, 0, 1, 2, 0, 0, 0, 9]).unwrap()), [258, 9]);
    assert_eq!(ids(&read(Format::U64be, &[0, 0, 0, 0, 0, 0, 1, 2]).unwrap()), [258]);
}

#[test]
fn columns_may_stand_in_any_order() {
    let one = b"time,key,size,ttl,op\n1.5,\"a,b\",10,60,set\n2,c,,,\n";
    let other = b"op,ttl,key,time,size\nset,60,\"a,b\",1.5,10\n,,c,2,\n";
    let accesses = read(Format::Csv, one).unwrap();
    assert_eq!(accesses, read(Format::Csv, other).unwrap());
    let first = Access { time_ms: 1500, ttl_ms: 60_000, value_bytes: 10, ..accesses[0] };
    assert_eq!(accesses[0], first);
    assert_eq!(accesses[0].operation, Operation::Set);
    assert_eq!(accesses[0].key_bytes, 3);
    assert_eq!(accesses[1].operation, Operation::Get);
    assert_eq!(accesses[1].value_bytes, Access::SIZE_UNKNOWN);
}

#[test]
fn twitters_columns_are_known_without_a_header() {
    let text =
        b"0,q:q:1:8WTfjZU14ee,17,213,4,get,0\n0,yDqF:3q:1AJrrJ1nnCJKKrnGx1A,27,27,5,set,120\n";
    assert_eq!(detected("cluster52.sort", text).unwrap(), Format::Twitter);
    let accesses = read(Format::Twitter, text).unwrap();
    assert_eq!((accesses[0].key_bytes, accesses[0].value_bytes), (17, 213));
    assert_eq!((accesses[1].ttl_ms, accesses[1].operation), (120_000, Operation::Set));
}

#[test]
fn what_monitor_prints_is_understood() {
    let text = br#"OK
1700000000.250000 [0 127.0.0.1:5000] "SET" "k\"1\x00" "four" "EX" "60"
1700000001.000000 [0 127.0.0.1:5000] "get" "k\"1\x00"
1700000001.000000 [0 lua] "MGET" "a" "b"
1700000001.000000 [0 unix:/tmp/s] "MSET" "a" "12" "b" "3"
1700000002.000000 [0 127.0.0.1:5000] "PING"
1700000002.000000 [0 127.0.0.1:5000] "del" "a" "b"
1700000002.000000 [0 [::1]:5000] "psetex" "c" "70" "value"
"#;
    assert_eq!(detected("log", text).unwrap(), Format::Monitor);
    let accesses = read(Format::Monitor, text).unwrap();
    use Operation::{Delete, Get, Set};
    let operations: Vec<Operation> = accesses.iter().map(|access| access.operation).collect();
    assert_eq!(operations, [Set, Get, Get, Get, Set, Set, Delete, Delete, Set]);
    assert_eq!(accesses[0].id, Access::of_key(b"k\"1\0", Get).id);
    assert_eq!(accesses[0].id, accesses[1].id);
    assert_eq!((accesses[0].value_bytes, accesses[0].ttl_ms), (4, 60_000));
    assert_eq!((accesses[4].value_bytes, accesses[5].value_bytes), (2, 1));
    assert_eq!((accesses[8].value_bytes, accesses[8].ttl_ms), (5, 70));
    assert_eq!(accesses[0].time_ms, 1_700_000_000_250);
}

#[test]
fn damage_names_the_file_and_the_line() {
    for (format, text, place) in [
        (Format::Lis, "1 1\n5\n", "trace:2"),
        (Format::Lis, "a b\n", "trace:1"),
        (Format::Lis, "5 99999999999\n", "trace:1"),
        (Format::Lis, "18446744073709551615 2\n", "trace:1"),
        (Format::Sized, "1 2 3\n1 2\n", "trace:2"),
        (Format::Sized, "1 2 99999999999\n", "trace:1"),
        (Format::Csv, "time,size\n1,2\n", "trace:1"),
        (Format::Csv, "time,key\n1,a\nx,b\n", "trace:3"),
        (Format::Csv, "key,op\na,dance\n", "trace:2"),
        (Format::Csv, "key,ttl\na,-1\n", "trace:2"),
        (Format::Csv, "key,ttl\na,NaN\n", "trace:2"),
        (Format::Monitor, "1.0 [0 x] \"GET\n", "trace:1"),
        (Format::Monitor, "hello\n", "trace:1"),
        (Format::U32be, "12345", "trace:byte 5"),
    ] {
        let error = read(format, text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(place), "{text:?}: {error}");
    }
    assert_eq!(read(Format::Sized, &vec![b'1'; 2 << 20]).unwrap_err().exit_code(), 3);
}

#[test]
fn the_name_or_the_first_line_tells_the_format() {
    for (name, text, format) in [
        ("oltp.lis.zst", "", Format::Lis),
        ("w106.u32be.xz", "", Format::U32be),
        ("x.u64be", "", Format::U64be),
        ("adaptsize.txt.xz", "1 0 68\n", Format::Sized),
        ("x.csv", "time,key,size\n1,2,3\n", Format::Csv),
        ("x.csv", "Timestamp,Key,Value_Size\n1,2,3\n", Format::Csv),
    ] {
        assert_eq!(detected(name, text.as_bytes()).unwrap(), format, "{name}");
    }
    let error = detected("x.bin", b"what is this").unwrap_err();
    assert!(error.to_string().contains("--trace-format"), "{error}");
}

#[test]
fn a_missing_file_a_directory_and_broken_compression_are_errors() {
    let open = |path: &Path| -> Result<Vec<Access>> { Reader::open(path, None)?.collect() };
    assert!(open(Path::new("no/such.lis")).unwrap_err().to_string().contains("no/such.lis"));
    assert!(open(&std::env::temp_dir()).unwrap_err().to_string().contains("directory"));
    let name = format!("planner-trace-{}.lis.gz", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::File::create(&path).unwrap().write_all(b"not compressed at all").unwrap();
    let error = open(&path).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    assert!(error.to_string().contains("decompressing failed"), "{error}");
}

proptest! {
    #[test]
    fn nothing_makes_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for format in [
            Format::Lis, Format::U32be, Format::Sized, Format::Csv, Format::Twitter, Format::Monitor,
        ] {
            if let Ok(accesses) = read(format, &bytes) {
                prop_assert!(accesses.len() <= bytes.len() * 1_000_000);
            }
        }
    }
}
