//! The ring within one thread: what a message costs when nothing crosses between processors.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gpushare::ring::{Consumer, Producer};

fn messages(criterion: &mut Criterion) {
    for size in [8, 64, 1024] {
        let mut group = criterion.benchmark_group(format!("{size} bytes"));
        let message = vec![7; size];
        let mut buffer = vec![0; size];
        let (mut producer, offer) = Producer::create(1 << 17).expect("memory");
        let mut consumer = Consumer::attach(offer).expect("just offered");

        group.throughput(Throughput::Elements(1));
        group.bench_function("send and receive", |bencher| {
            bencher.iter(|| {
                producer.try_send(black_box(&message)).expect("the consumer is there");
                consumer.try_receive_into(black_box(&mut buffer)).expect("the producer is there")
            });
        });
        group.throughput(Throughput::Elements(32));
        group.bench_function("a batch of 32", |bencher| {
            bencher.iter(|| {
                let mut batch = producer.batch();
                for _ in 0..32 {
                    batch.try_send(black_box(&message)).expect("the consumer is there");
                }
                drop(batch);
                consumer.try_drain(32, |message| message.read(0, &mut buffer)).expect("the producer is there")
            });
        });
        group.finish();
    }
}

criterion_group!(benches, messages);
criterion_main!(benches);
