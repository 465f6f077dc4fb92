//! Creates an image, uploads data to it, downloads and verifies it, and deletes it:
//! `cargo run --example roundtrip -- http://127.0.0.1:9292`

use std::io::Write;

use futures_util::{StreamExt, pin_mut};
use glance_client::{Client, DownloadOptions, Error, ImageData, ImageQuery, NewImage, UploadOptions, Verifier};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args().nth(1).ok_or("usage: roundtrip ENDPOINT")?;
    let client = Client::builder(endpoint).token("any").build()?;
    let new = NewImage::new().set("name", "roundtrip").set("disk_format", "raw").set("container_format", "bare");
    let image = client.images().create(&new).await?;
    let outcome = roundtrip(&client, image.id()).await;
    client.images().delete(image.id()).await?;
    let report = outcome?;
    Ok(writeln!(std::io::stdout().lock(), "{report}")?)
}

async fn roundtrip(client: &Client, id: &str) -> Result<String, Error> {
    let pieces = (0..256).map(|piece: u32| Ok(vec![piece as u8; 64 << 10].into()));
    let data = ImageData::from_stream(futures_util::stream::iter(pieces)).with_size(256 * (64 << 10));
    client.images().upload(id, data, UploadOptions::default()).await?;

    let image = client.images().show(id).await?;
    let mut verifier = Verifier::for_image(&image)?;
    let mut received = 0;
    if let Some(mut download) = client.images().download(id, DownloadOptions::default()).await? {
        while let Some(piece) = download.chunk().await? {
            received += piece.len();
            if let Some(verifier) = &mut verifier {
                verifier.update(&piece)?;
            }
        }
    }
    verifier.map_or(Ok(()), Verifier::finish)?;

    let images = client.images().list(&ImageQuery::new().filter("name", "roundtrip"));
    pin_mut!(images);
    let mut listed = false;
    while let Some(found) = images.next().await {
        listed |= found?.id() == id;
    }
    Ok(format!("{id}: {received} bytes, verified; in the list: {listed}"))
}
