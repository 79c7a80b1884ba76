use resilient::measure;
use resilient_tests::Error;

#[measure(buckets = ["1ms", "2ms", "3ms", "4ms", "5ms", "6ms", "7ms", "8ms", "9ms", "10ms", "11ms", "12ms", "13ms", "14ms", "15ms", "16ms", "17ms", "18ms", "19ms", "20ms", "21ms", "22ms", "23ms", "24ms", "25ms", "26ms", "27ms", "28ms", "29ms", "30ms", "31ms", "32ms", "33ms", "34ms", "35ms", "36ms", "37ms", "38ms", "39ms", "40ms", "41ms", "42ms", "43ms", "44ms", "45ms", "46ms", "47ms", "48ms", "49ms", "50ms", "51ms"])]
async fn too_many() -> Result<(), Error> {
    Ok(())
}

fn main() {
    let _ = too_many();
}
